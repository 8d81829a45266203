// Writes messages as Protobuf: a visitor of schema.h, run twice. ProtobufSize adds up how long a
// message will be, since its length stands before it; ProtobufWriter then appends it, without a
// temporary buffer and without moving bytes.
//
// The size of what is nested is added up once for each level around it: four at most, of a few
// additions per field.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "protocol/schema.h"

namespace millrace::protocol {

// The wire types that are written: https://protobuf.dev/programming-guides/encoding/.
enum class WireType : uint32_t { kVarint = 0, kLength = 2 };

constexpr uint32_t tag_of(uint32_t number, WireType type) {
  return (number << 3U) | static_cast<uint32_t>(type);
}

constexpr size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

inline void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>((value & 0x7FU) | 0x80U));
  out.push_back(static_cast<char>(value));
}

// A map is a repeated message of key = 1 and value = 2. Unlike other fields, these are written even
// at their defaults, as other implementations do.
template <class Value>
struct MapEntry {
  std::string_view key;
  const Value& value;
};

template <class Value>
struct Schema<MapEntry<Value>> {
  static void fields(auto& visitor, const MapEntry<Value>& entry) {
    visitor.bytes(1, entry.key);
    visitor.nested(2, entry.value);
  }
};

struct TextEntry {
  std::string_view key;
  std::string_view value;
};

template <>
struct Schema<TextEntry> {
  static void fields(auto& visitor, const TextEntry& entry) {
    visitor.bytes(1, entry.key);
    visitor.bytes(2, entry.value);
  }
};

// What both passes share: `Sink` has varint(number, value), bytes(number, view) and nested(number,
// message).
template <class Sink>
class ProtobufVisitor {
 public:
  void text(uint32_t number, std::string_view, std::string_view value) {
    if (!value.empty()) sink().bytes(number, value);
  }
  void text_always(uint32_t number, std::string_view name, std::string_view value) {
    text(number, name, value);
  }
  void payload(uint32_t number, std::string_view, std::string_view bytes,
               Carriage = Carriage::kPlain) {
    if (!bytes.empty()) sink().bytes(number, bytes);
  }
  void boolean(uint32_t number, std::string_view, bool value) {
    if (value) sink().varint(number, 1);
  }
  template <std::integral T>
  void integer(uint32_t number, std::string_view, T value) {
    // A negative number is written as the 64 bits of its two's complement, whatever its type.
    if (value != 0) sink().varint(number, static_cast<uint64_t>(value));
  }
  template <std::integral T>
  void integer_always(uint32_t number, std::string_view name, T value) {
    integer(number, name, value);
  }

  template <class Message>
  void message(uint32_t number, std::string_view, const Message& value) {
    sink().nested(number, value);
  }
  void optional_message(uint32_t number, std::string_view, const auto& value) {
    if (value) sink().nested(number, *value);
  }
  void messages(uint32_t number, std::string_view, const auto& values) {
    for (const auto& value : values) sink().nested(number, value);
  }
  void messages_always(uint32_t number, std::string_view name, const auto& values) {
    messages(number, name, values);
  }

  template <class Map>
  void entries(uint32_t number, std::string_view, const Map& map) {
    for (const auto& [key, value] : map)
      sink().nested(number, MapEntry<std::remove_cvref_t<decltype(value)>>{key, value});
  }
  template <class Map>
  void entries_always(uint32_t number, std::string_view name, const Map& map) {
    entries(number, name, map);
  }
  template <class Map>
  void texts(uint32_t number, std::string_view, const Map& map) {
    for (const auto& [key, value] : map) sink().nested(number, TextEntry{key, value});
  }

 private:
  Sink& sink() { return static_cast<Sink&>(*this); }
};

class ProtobufSize : public ProtobufVisitor<ProtobufSize> {
 public:
  template <class Message>
  static size_t of(const Message& message) {
    ProtobufSize size;
    Schema<Message>::fields(size, message);
    return size.total_;
  }

  void varint(uint32_t number, uint64_t value) {
    total_ += varint_size(tag_of(number, WireType::kVarint)) + varint_size(value);
  }
  void bytes(uint32_t number, std::string_view value) { add_length(number, value.size()); }
  template <class Message>
  void nested(uint32_t number, const Message& message) {
    add_length(number, of(message));
  }

 private:
  void add_length(uint32_t number, size_t length) {
    total_ += varint_size(tag_of(number, WireType::kLength)) + varint_size(length) + length;
  }

  size_t total_ = 0;
};

class ProtobufWriter : public ProtobufVisitor<ProtobufWriter> {
 public:
  explicit ProtobufWriter(std::string& out) : out_(out) {}

  // A message with its length before it.
  template <class Message>
  void write(const Message& message) {
    append_varint(out_, ProtobufSize::of(message));
    Schema<Message>::fields(*this, message);
  }

  void varint(uint32_t number, uint64_t value) {
    append_varint(out_, tag_of(number, WireType::kVarint));
    append_varint(out_, value);
  }
  void bytes(uint32_t number, std::string_view value) {
    append_varint(out_, tag_of(number, WireType::kLength));
    append_varint(out_, value.size());
    out_ += value;
  }
  template <class Message>
  void nested(uint32_t number, const Message& message) {
    append_varint(out_, tag_of(number, WireType::kLength));
    write(message);
  }

 private:
  std::string& out_;
};

}  // namespace millrace::protocol
