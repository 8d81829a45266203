// Commands from JSON: objects separated by line breaks; and requests, one object each. One pass,
// straight into the fields.
//
// A command may be spread over several lines (a pretty-printed payload): the reader goes from
// object to object and looks for the line break between them, instead of cutting the frame at each.
#include <simdjson.h>

#include "protocol/decode.h"
#include "protocol/json_cursor.h"
#include "protocol/schema.h"

namespace millrace::protocol {
namespace {

// The frame, and what the filters of the command at hand have taken of their bounds.
struct JsonInput : JsonCursor {
  using JsonCursor::JsonCursor;
  FilterUse filters;
};

template <class Message>
void read_message(JsonInput& in, Message& message);

// Holds one key of an object against each field of a message, and reads its value into the one that
// has this name.
class JsonField {
 public:
  JsonField(JsonInput& in, std::string_view key) : in_(in), key_(key) {}

  bool matched() const { return matched_; }

  void text(uint32_t, std::string_view name, Text& value) {
    if (take(name)) in_.read_string(value);
  }
  void text(uint32_t, std::string_view name, std::string& value) {
    Text read;
    if (take(name) && in_.read_string(read)) value = read;
  }
  void boolean(uint32_t, std::string_view name, bool& value) {
    if (take(name)) in_.read_bool(value);
  }
  template <std::integral T>
  void integer(uint32_t, std::string_view name, T& value) {
    if (take(name)) in_.read_integer(value);
  }

  // For a payload `null` is a value as good as any other.
  void payload(uint32_t, std::string_view name, Payload& value) {
    if (matched_ || key_ != name) return;
    matched_ = true;
    in_.read_raw(value);
  }

  void quoted(uint32_t number, std::string_view name, std::string_view& value) {
    text(number, name, value);
  }

  template <class Message>
  void optional_message(uint32_t, std::string_view name, std::optional<Message>& value) {
    if (take(name)) read_message(in_, value.emplace());
  }

  void filter(uint32_t, std::string_view name, std::optional<model::FilterNode>& value) {
    if (take(name) && count()) read_message(in_, value.emplace());
  }
  void strings(uint32_t, std::string_view name, std::vector<std::string>& values) {
    if (!take(name) || !in_.begin_array()) return;
    values.clear();
    Text read;
    while (in_.next_element() && count() && in_.read_string(read)) values.emplace_back(read);
  }
  // This and read_message() call each other: the recursion is bounded by kFilterDepthMax.
  void nodes(uint32_t, std::string_view name, std::vector<model::FilterNode>& values) {
    if (!take(name) || !in_.begin_array()) return;
    values.clear();
    if (!in_.filters.enter()) in_.fail(kTooDeepFilter);
    while (in_.next_element() && count()) read_message(in_, values.emplace_back());
    in_.filters.leave();
  }

  template <class Message>
  void entries(uint32_t, std::string_view name, std::vector<std::pair<Text, Message>>& map) {
    read_map(name, map, [this](Message& value) { read_message(this->in_, value); });
  }
  void texts(uint32_t, std::string_view name, std::vector<std::pair<Text, Text>>& map) {
    read_map(name, map, [this](Text& value) { in_.read_string(value); });
  }

  template <class Request>
  void body(uint32_t, std::string_view name, CommandBody& value) {
    if (!take(name)) return;
    read_alternative<Request>(value, [this](Request& request) {
      request = Request();
      read_message(in_, request);
    });
  }

 private:
  // Whether the value is this field's, and is there to be read: `null` is as if the key was not
  // there.
  bool take(std::string_view name) {
    if (matched_ || key_ != name) return false;
    matched_ = true;
    return !in_.skip_null() && !in_.failed();
  }

  // Whether there is room for one more node or value of a tags filter.
  bool count() { return in_.filters.add() || in_.fail(kTooManyFilterItems); }

  template <class Value, class Read>
  void read_map(std::string_view name, std::vector<std::pair<Text, Value>>& map, Read read) {
    if (!take(name) || !in_.begin_object()) return;
    map.clear();
    std::string_view key;
    while (in_.next_key(key)) {
      if (in_.skip_null()) continue;
      if (map.size() == kConnectEntriesMax) {
        in_.fail(kTooManyEntries);
        return;
      }
      read(map.emplace_back(key, Value()).second);
    }
  }

  JsonInput& in_;
  std::string_view key_;
  bool matched_ = false;
};

template <class Message>
void read_message(JsonInput& in, Message& message) {
  if (!in.begin_object()) return;
  std::string_view key;
  while (in.next_key(key)) {
    JsonField field(in, key);
    Schema<Message>::fields(field, message);
    if (!field.matched()) in.skip_value();
  }
}

base::Result<> check_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return {};
  return base::fail(base::ErrorCode::kInvalid, "JSON: not UTF-8");
}

// A request that is the whole text.
template <class Request>
base::Result<> decode_alone(std::string_view json,
                            base::FunctionRef<void(const Request&)> on_request) {
  if (base::Result<> utf8 = check_utf8(json); !utf8) return utf8;
  JsonInput in(json);
  Request request;
  read_message(in, request);
  if (!in.failed() && !in.at_end()) in.fail("expected the end");
  if (in.failed()) return std::unexpected(in.error());
  if constexpr (std::is_same_v<Request, ConnectRequest>) drop_repeated_entries(request);
  on_request(request);
  return {};
}

}  // namespace

base::Result<> decode_json(std::string_view frame,
                           base::FunctionRef<bool(const Command&)> on_command) {
  if (base::Result<> utf8 = check_utf8(frame); !utf8) return utf8;
  JsonInput in(frame);
  if (in.at_end()) return base::fail(base::ErrorCode::kInvalid, "JSON: an empty frame");
  do {
    Command command;
    in.filters = FilterUse();
    read_message(in, command);
    if (in.failed()) break;
    drop_repeated_entries(command);
    if (!on_command(command)) return {};
  } while (in.next_line());
  if (in.failed()) return std::unexpected(in.error());
  return {};
}

base::Result<> decode_publish(std::string_view json,
                              base::FunctionRef<void(const PublishRequest&)> on_request) {
  return decode_alone(json, on_request);
}

base::Result<> decode_connect(std::string_view json,
                              base::FunctionRef<void(const ConnectRequest&)> on_request) {
  return decode_alone(json, on_request);
}

base::Result<> decode_emulation_json(std::string_view body,
                                     base::FunctionRef<void(const EmulationRequest&)> on_request) {
  return decode_alone(body, on_request);
}

base::Result<> decode_poll(std::string_view body,
                           base::FunctionRef<void(const PollRequest&)> on_request) {
  return decode_alone(body, on_request);
}

bool valid_json(std::string_view text) {
  if (text.empty() || !simdjson::validate_utf8(text.data(), text.size())) return false;
  JsonCursor in(text);
  return in.skip_value() && in.at_end();
}

}  // namespace millrace::protocol
