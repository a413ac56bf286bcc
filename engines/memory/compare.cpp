#include "engines/memory/compare.hpp"

#include <compare>

namespace quorate {
namespace {

int rank_of(const Value& value) {
  if (std::holds_alternative<Null>(value)) return 0;
  if (std::holds_alternative<std::string>(value)) return 2;
  if (std::holds_alternative<Blob>(value)) return 3;
  return 1;
}

template <typename T>
int three_way(const T& left, const T& right) {
  return left < right ? -1 : (right < left ? 1 : 0);
}

// A long double holds every 64-bit integer and every double exactly.
long double number_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<long double>(*integer);
  return static_cast<long double>(std::get<double>(value));
}

}  // namespace

int compare_values(const Value& left, const Value& right) {
  const int left_rank = rank_of(left);
  if (const int right_rank = rank_of(right); left_rank != right_rank) return left_rank - right_rank;
  switch (left_rank) {
    case 0: return 0;
    case 2: return three_way(std::get<std::string>(left), std::get<std::string>(right));
    case 3: return three_way(std::get<Blob>(left).bytes, std::get<Blob>(right).bytes);
    default: break;
  }
  const auto* left_integer = std::get_if<std::int64_t>(&left);
  const auto* right_integer = std::get_if<std::int64_t>(&right);
  if (left_integer != nullptr && right_integer != nullptr) return three_way(*left_integer, *right_integer);
  return three_way(number_of(left), number_of(right));
}

}  // namespace quorate
