#include "api/fields.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "protocol/protocol.h"

namespace millrace::api {

namespace ondemand = simdjson::ondemand;
using simdjson::SUCCESS;

// What Field and read_object() share without showing simdjson to their users.
class FieldReader {
 public:
  static void read(ondemand::object& object, const Field* parent, std::optional<Failure>& failure,
                   base::FunctionRef<void(Field&)> on_field) {
    for (auto member : object) {
      ondemand::field pair;
      std::string_view key;
      if (std::move(member).get(pair) != SUCCESS || pair.unescaped_key().get(key) != SUCCESS) {
        return blame(parent, failure, "has a key that is not a string");
      }
      ondemand::value value = pair.value();
      Field field(key, &value, parent, failure);
      on_field(field);
      if (failure) return;
    }
  }

  static void blame(const Field* parent, std::optional<Failure>& failure, std::string_view why) {
    const std::string what = parent == nullptr ? "what is asked" : parent->path();
    failure = api::failure(model::errors::kBadRequest, what + " " + std::string(why));
  }
};

namespace {

ondemand::value& value_at(void* value) {
  return *static_cast<ondemand::value*>(value);
}

// Of a name that came with the request, so much is shown.
constexpr size_t kShownMax = 64;

}  // namespace

std::string Field::path() const {
  const std::string key(key_.substr(0, kShownMax));
  return parent_ == nullptr ? key : parent_->path() + "." + key;
}

void Field::too_many(size_t bound, std::string_view unit) {
  fail("has more than " + std::to_string(bound) + " " + std::string(unit));
}

void Field::fail(std::string_view why) {
  if (!failure_) failure_ = failure(model::errors::kBadRequest, path() + " " + std::string(why));
}

bool Field::take(std::string_view name) {
  if (key_ != name || failure_) return false;
  bool absent = false;
  if (value_at(value_).is_null().get(absent) != SUCCESS) fail("is not JSON");
  return !absent && !failure_;
}

void Field::text(std::string_view name, std::string& to, size_t bytes_max) {
  if (!take(name)) return;
  std::string_view text;
  if (value_at(value_).get_string().get(text) != SUCCESS) return fail("must be a string");
  if (text.size() > bytes_max) return too_many(bytes_max, "bytes");
  to = text;
}

void Field::boolean(std::string_view name, bool& to) {
  if (take(name) && value_at(value_).get_bool().get(to) != SUCCESS) fail("must be true or false");
}

void Field::boolean(std::string_view name, std::optional<bool>& to) {
  bool flag = false;
  if (!take(name)) return;
  if (value_at(value_).get_bool().get(flag) != SUCCESS) return fail("must be true or false");
  to = flag;
}

void Field::integer(std::string_view name, int64_t& to) {
  if (take(name) && value_at(value_).get_int64().get(to) != SUCCESS) {
    fail("must be a whole number");
  }
}

void Field::natural(std::string_view name, uint64_t& to) {
  if (take(name) && value_at(value_).get_uint64().get(to) != SUCCESS) {
    fail("must be a whole number, and not negative");
  }
}

void Field::payload(std::string_view name, std::optional<std::string>& to) {
  if (key_ != name || failure_) return;
  std::string_view raw;
  if (simdjson::to_json_string(value_at(value_)).get(raw) != SUCCESS) return fail("is not JSON");
  to.emplace();
  protocol::append_json_line(*to, raw);
}

void Field::base64(std::string_view name, std::optional<std::string>& to) {
  if (!take(name)) return;
  std::string_view text;
  if (value_at(value_).get_string().get(text) != SUCCESS) return fail("must be a string");
  to = base::decode_base64(text);
  if (!to) fail("is not base64");
}

void Field::texts(std::string_view name, std::vector<std::string>& to, size_t entries_max) {
  if (!take(name)) return;
  ondemand::array array;
  if (value_at(value_).get_array().get(array) != SUCCESS) {
    return fail("must be an array of strings");
  }
  to.clear();
  for (auto entry : array) {
    std::string_view text;
    if (entry.get_string().get(text) != SUCCESS) return fail("must be an array of strings");
    if (to.size() == entries_max) return too_many(entries_max, "entries");
    to.emplace_back(text);
  }
}

void Field::tags(std::string_view name, model::Tags& to, size_t entries_max, size_t bytes_max) {
  size_t bytes = 0;
  model::Tags read;
  if (key_ != name) return;
  object(name, [&](Field& tag) {
    std::string value;
    tag.text(tag.key(), value);
    bytes += tag.key().size() + value.size();
    if (read.size() == entries_max) return too_many(entries_max, "entries");
    if (bytes > bytes_max) return too_many(bytes_max, "bytes");
    const auto same = std::ranges::find(read, tag.key(), &model::Tags::value_type::first);
    if (same != read.end()) {
      same->second = std::move(value);
    } else {
      read.emplace_back(tag.key(), std::move(value));
    }
  });
  to = std::move(read);
}

void Field::position(std::string_view name, std::optional<model::Position>& to) {
  if (!take(name)) return;
  model::Position position;
  uint64_t offset = 0;
  object(name, [&](Field& field) {
    field.natural("offset", offset);
    field.text("epoch", position.epoch);
  });
  position.offset = model::Offset{offset};
  to = std::move(position);
}

void Field::object(std::string_view name, base::FunctionRef<void(Field&)> on_field) {
  if (!take(name)) return;
  ondemand::object object;
  if (value_at(value_).get_object().get(object) != SUCCESS) return fail("must be an object");
  FieldReader::read(object, this, failure_, on_field);
}

void Field::entries(std::string_view name, std::vector<std::string>& to, size_t entries_max) {
  if (!take(name)) return;
  ondemand::array array;
  if (value_at(value_).get_array().get(array) != SUCCESS) return fail("must be an array");
  to.clear();
  for (auto entry : array) {
    std::string_view raw;
    if (simdjson::to_json_string(entry).get(raw) != SUCCESS) return fail("is not JSON");
    if (to.size() == entries_max) return too_many(entries_max, "entries");
    to.emplace_back(raw);
  }
}

std::optional<Failure> read_object(std::string_view json,
                                   base::FunctionRef<void(Field&)> on_field) {
  MILLRACE_DEBUG_ASSERT(protocol::valid_json(json));
  std::optional<Failure> failure;
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(json);
  ondemand::document document;
  ondemand::object object;
  if (parser.iterate(padded).get(document) != SUCCESS ||
      document.get_object().get(object) != SUCCESS) {
    FieldReader::blame(nullptr, failure, "must be an object");
    return failure;
  }
  FieldReader::read(object, nullptr, failure, on_field);
  return failure;
}

}  // namespace millrace::api
