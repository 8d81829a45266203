// Commands from Protobuf: messages with their length before them; and a request without. protozero
// reads, and throws: every call of it is in here, under a try.
#include <simdjson.h>

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>

#include "protocol/decode.h"
#include "protocol/schema.h"

namespace millrace::protocol {
namespace {

using protozero::pbf_wire_type;

// A message, or a part of one; what its command's filters have taken of their bounds; and what we
// have against it so far. protozero's own objections are exceptions.
struct ProtobufInput {
  protozero::pbf_reader reader;
  FilterUse& filters;
  const char*& failure;

  ProtobufInput part() { return ProtobufInput{reader.get_message(), filters, failure}; }
};

template <class Message>
void read_message(ProtobufInput in, Message& message);

// Holds one field of the input against each field of a message, and reads it into the one that has
// its number and wire type. A known number with another wire type is an unknown field, as in other
// proto3 parsers.
class ProtobufField {
 public:
  explicit ProtobufField(ProtobufInput& in) : in_(in) {}

  bool matched() const { return matched_; }

  void text(uint32_t number, std::string_view, Text& value) {
    if (take(number, pbf_wire_type::length_delimited)) value = string();
  }
  void text(uint32_t number, std::string_view, std::string& value) {
    if (take(number, pbf_wire_type::length_delimited)) value = string();
  }
  void payload(uint32_t number, std::string_view, Payload& value) {
    if (take(number, pbf_wire_type::length_delimited)) value = bytes();
  }
  void quoted(uint32_t number, std::string_view name, std::string_view& value) {
    payload(number, name, value);
  }
  // Any number but 0 is true; protozero's own get_bool() looks at the first byte only.
  void boolean(uint32_t number, std::string_view, bool& value) {
    if (take(number, pbf_wire_type::varint)) value = in_.reader.get_uint64() != 0;
  }
  // What does not fit the field's type loses its upper bits, as in other proto3 parsers.
  template <std::integral T>
  void integer(uint32_t number, std::string_view, T& value) {
    if (take(number, pbf_wire_type::varint)) value = static_cast<T>(in_.reader.get_uint64());
  }

  template <class Message>
  void message(uint32_t number, std::string_view, Message& value) {
    if (take(number, pbf_wire_type::length_delimited)) read_message(in_.part(), value);
  }
  template <class Message>
  void optional_message(uint32_t number, std::string_view, std::optional<Message>& value) {
    if (!take(number, pbf_wire_type::length_delimited)) return;
    if (!value) value.emplace();
    read_message(in_.part(), *value);
  }

  void filter(uint32_t number, std::string_view, std::optional<model::FilterNode>& value) {
    if (!take(number, pbf_wire_type::length_delimited) || !count()) return;
    if (!value) value.emplace();
    read_message(in_.part(), *value);
  }
  void strings(uint32_t number, std::string_view, std::vector<std::string>& values) {
    if (take(number, pbf_wire_type::length_delimited) && count()) values.emplace_back(string());
  }
  // This and read_message() call each other: the recursion is bounded by kFilterDepthMax.
  void nodes(uint32_t number, std::string_view, std::vector<model::FilterNode>& values) {
    if (!take(number, pbf_wire_type::length_delimited) || !count()) return;
    if (!in_.filters.enter()) {
      in_.failure = kTooDeepFilter;
      return;
    }
    read_message(in_.part(), values.emplace_back());
    in_.filters.leave();
  }

  template <class Value>
  void entries(uint32_t number, std::string_view, std::vector<std::pair<Text, Value>>& map) {
    if (!take(number, pbf_wire_type::length_delimited)) return;
    if (map.size() == kConnectEntriesMax) {
      in_.failure = kTooManyEntries;
      return;
    }
    read_message(in_.part(), map.emplace_back());
  }
  void texts(uint32_t number, std::string_view name, std::vector<std::pair<Text, Text>>& map) {
    entries(number, name, map);
  }

  template <class Request>
  void body(uint32_t number, std::string_view, CommandBody& value) {
    if (!take(number, pbf_wire_type::length_delimited)) return;
    read_alternative<Request>(value,
                              [this](Request& request) { read_message(in_.part(), request); });
  }

 private:
  bool take(uint32_t number, pbf_wire_type type) {
    if (matched_ || in_.reader.tag_and_type() != protozero::tag_and_type(number, type))
      return false;
    matched_ = true;
    return true;
  }

  std::string_view bytes() {
    const protozero::data_view view = in_.reader.get_view();
    return {view.data(), view.size()};
  }

  std::string_view string() {
    const std::string_view text = bytes();
    if (!text.empty() && !simdjson::validate_utf8(text.data(), text.size())) {
      in_.failure = "a string is not UTF-8";
    }
    return text;
  }

  // Whether there is room for one more node or value of a tags filter.
  bool count() {
    const bool room = in_.filters.add();
    if (!room) in_.failure = kTooManyFilterItems;
    return room;
  }

  ProtobufInput& in_;
  bool matched_ = false;
};

}  // namespace

// A map's entry is a message of key = 1 and value = 2.
template <class Value>
struct Schema<std::pair<Text, Value>> {
  static void fields(auto& visitor, std::pair<Text, Value>& entry) {
    visitor.text(1, "key", entry.first);
    if constexpr (std::is_same_v<Value, Text>) {
      visitor.text(2, "value", entry.second);
    } else {
      visitor.message(2, "value", entry.second);
    }
  }
};

namespace {

template <class Message>
void read_message(ProtobufInput in, Message& message) {
  while (in.failure == nullptr && in.reader.next()) {
    ProtobufField field(in);
    Schema<Message>::fields(field, message);
    if (!field.matched()) in.reader.skip();
  }
}

// Reads the message at `at` and moves behind it. Returns what is wrong with it, or null.
const char* read_command(const char*& at, const char* end, Command& command) {
  const char* failure = nullptr;
  FilterUse filters;
  try {
    const uint64_t length = protozero::decode_varint(&at, end);
    if (length > static_cast<uint64_t>(end - at)) return "the frame ends within a message";
    const auto size = static_cast<size_t>(length);
    read_message(ProtobufInput{protozero::pbf_reader(at, size), filters, failure}, command);
    at += size;
  } catch (const protozero::exception& malformed) {
    failure = malformed.what();  // a literal: protozero's exceptions hold no text of their own
  }
  return failure;
}

// Reads a message that is all of `bytes`. Returns what is wrong with it, or null.
template <class Message>
const char* read_alone(std::string_view bytes, Message& message) {
  const char* failure = nullptr;
  FilterUse filters;
  try {
    read_message(ProtobufInput{protozero::pbf_reader(bytes.data(), bytes.size()), filters, failure},
                 message);
  } catch (const protozero::exception& malformed) {
    failure = malformed.what();
  }
  return failure;
}

}  // namespace

base::Result<> decode_protobuf(std::string_view frame,
                               base::FunctionRef<bool(const Command&)> on_command) {
  const char* at = frame.data();
  const char* const end = at + frame.size();
  while (at != end) {
    const char* const start = at;
    Command command;
    if (const char* const failure = read_command(at, end, command)) {
      return base::fail(
          base::ErrorCode::kInvalid,
          "Protobuf, message at byte " + std::to_string(start - frame.data()) + ": " + failure);
    }
    drop_repeated_entries(command);
    if (!on_command(command)) return {};
  }
  return {};
}

base::Result<> decode_emulation_protobuf(
    std::string_view body, base::FunctionRef<void(const EmulationRequest&)> on_request) {
  EmulationRequest request;
  if (const char* const failure = read_alone(body, request)) {
    return base::fail(base::ErrorCode::kInvalid, std::string("Protobuf: ") + failure);
  }
  on_request(request);
  return {};
}

}  // namespace millrace::protocol
