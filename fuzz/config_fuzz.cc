// Configuration files: the first byte tells JSON from TOML, the rest is the text. Whatever it is,
// it is either a tree of values with places inside the text, or one error with a message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/document.h"
#include "config/draft.h"

namespace {

namespace config = millrace::config;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_places(const config::Value& value, size_t size) {
  require(value.place.line <= size + 1 && value.place.column <= size + 1);
  if (value.array() != nullptr) {
    for (const config::Value& item : *value.array()) check_places(item, size);
  }
  if (value.table() != nullptr) {
    for (const config::Member& member : *value.table()) {
      require(member.place.line >= 1 && member.place.line <= size + 1);
      check_places(member.value, size);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto root = data[0] == '{' ? config::parse_json(text, "f") : config::parse_toml(text, "f");
  if (!root) {
    require(!root.error().message.empty());
    return 0;
  }
  check_places(*root, size);
  config::Draft draft;
  config::Value value = *root;
  config::expand_references(draft, value, {{"MILLRACE_VAR_X", "1s"}});
  config::apply_group(draft, "", value);
  config::validate(draft);
  return 0;
}
