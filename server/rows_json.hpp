// Writes result rows. Rows `begin` to `end` at a time, so that a large result need not be written in one go.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/value.hpp"
#include "server/json_writer.hpp"

namespace quorate {

enum class RowShape { arrays, objects };

void append_row_as_array(std::string& out, const Row& row, IntegerStyle integers);
// The rows without the brackets around them; with a comma before each but row 0.
void append_rows_as_arrays(std::string& out, const std::vector<Row>& rows, std::size_t begin, std::size_t end,
                           IntegerStyle integers);

// Writes rows as objects by column name.
class ObjectRowWriter {
 public:
  explicit ObjectRowWriter(const std::vector<std::string>& columns);
  void append(std::string& out, const Row& row, IntegerStyle integers) const;
  void append(std::string& out, const std::vector<Row>& rows, std::size_t begin, std::size_t end,
              IntegerStyle integers) const;

 private:
  std::vector<std::string> prefixes_;  // what comes before each value: {"id": or ,"name":
};

// The name of a column that occurs twice, or nullptr: such rows cannot be objects.
const std::string* find_repeated_column(const std::vector<std::string>& columns);

}  // namespace quorate
