#include "engines/registry.hpp"

#include <map>

#include "engines/memory/memory_engine.hpp"
#include "engines/sqlite/sqlite_engine.hpp"
#include "engines/sqlite/transaction_clock.hpp"

namespace quorate {
namespace {

using Factory = Result<std::unique_ptr<StorageEngine>> (*)(const EngineOptions&);

const std::map<std::string, Factory>& factories() {
  static const std::map<std::string, Factory> map{
      {"memory", &open_memory_engine},
      {"sqlite", &open_sqlite_engine},
  };
  return map;
}

}  // namespace

Result<std::unique_ptr<StorageEngine>> open_engine(const std::string& name, const EngineOptions& options) {
  const auto factory = factories().find(name);
  if (factory != factories().end()) return factory->second(options);
  std::string known;
  for (const std::string& engine : engine_names()) known += (known.empty() ? "" : ", ") + engine;
  return fail(ErrorCode::not_found, "There is no engine \"" + name + "\". Known engines: " + known + ".");
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const auto& [name, factory] : factories()) names.push_back(name);
  return names;
}

void prepare_engines() {
  prepare_sqlite();
}

}  // namespace quorate
