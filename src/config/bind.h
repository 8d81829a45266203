// How an entry of the key tables finds its member:
//
//   add<&Config::client, &Client::insecure>(keys, "client.insecure", "Everybody may …").live();
//
// Its type, and the conversions between the member and a Setting, follow from the member's type.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/keys.h"

namespace millrace::config {

// For the ranges of keys.
inline constexpr int64_t kKiB = 1024;
inline constexpr int64_t kMiB = 1024 * kKiB;
inline constexpr int64_t kCountMax = 1'000'000'000;

// The names of an enumeration's values. The first name of a value is the one that is shown.
template <class Enum>
struct Choices;

template <>
struct Choices<DataFormat> {
  static constexpr std::pair<std::string_view, DataFormat> kNames[] = {
      {"", DataFormat::kAny},
      {"json", DataFormat::kJson},
      {"json_object", DataFormat::kJsonObject},
      {"binary", DataFormat::kBinary}};
};

template <>
struct Choices<RecoveryMode> {
  static constexpr std::pair<std::string_view, RecoveryMode> kNames[] = {
      {"stream", RecoveryMode::kStream},
      {"cache", RecoveryMode::kCache},
      {"", RecoveryMode::kStream}};
};

template <>
struct Choices<ErrorMode> {
  static constexpr std::pair<std::string_view, ErrorMode> kNames[] = {
      {"", ErrorMode::kResult}, {"transport", ErrorMode::kTransport}};
};

template <>
struct Choices<EngineType> {
  static constexpr std::pair<std::string_view, EngineType> kNames[] = {
      {"memory", EngineType::kMemory}};
};

template <>
struct Choices<net::TlsVersion> {
  static constexpr std::pair<std::string_view, net::TlsVersion> kNames[] = {
      {"1.2", net::TlsVersion::k12}, {"1.3", net::TlsVersion::k13}};
};

template <>
struct Choices<base::log::Format> {
  static constexpr std::pair<std::string_view, base::log::Format> kNames[] = {
      {"text", base::log::Format::kText}, {"json", base::log::Format::kJson}};
};

// With Centrifugo's names; its trace and fatal have no level of their own here.
template <>
struct Choices<base::log::Level> {
  static constexpr std::pair<std::string_view, base::log::Level> kNames[] = {
      {"debug", base::log::Level::kDebug}, {"info", base::log::Level::kInfo},
      {"warn", base::log::Level::kWarn},   {"error", base::log::Level::kError},
      {"none", base::log::Level::kOff},    {"trace", base::log::Level::kDebug},
      {"fatal", base::log::Level::kError}};
};

// The columns of a list of these, and the members that stand for them, in the same order.
template <class T>
struct Columns;

template <>
struct Columns<ErrorToDisconnect> {
  // Errors are below 3000; a close code of a WebSocket that is an application's is from 3000 to
  // 4999, with a reason of up to 123 bytes (RFC 6455, sections 5.5 and 7.4.2).
  static constexpr Column kAll[] = {
      {.path = "code",
       .type = Type::kInteger,
       .min = 1,
       .max = 2999,
       .is_required = true,
       .is_unique = true},
      {.path = "to.code", .type = Type::kInteger, .min = 3000, .max = 4999, .is_required = true},
      {.path = "to.reason", .max = 123, .is_ascii = true}};
  static constexpr std::tuple kMembers{&ErrorToDisconnect::code, &ErrorToDisconnect::to_code,
                                       &ErrorToDisconnect::to_reason};
};

template <>
struct Columns<CodeToHttpResponse> {
  static constexpr Column kAll[] = {{.path = "code",
                                     .type = Type::kInteger,
                                     .min = 1,
                                     .max = 4999,
                                     .is_required = true,
                                     .is_unique = true},
                                    {.path = "to.status_code",
                                     .type = Type::kInteger,
                                     .min = 200,
                                     .max = 599,
                                     .is_required = true},
                                    {.path = "to.body", .max = 16'384}};
  static constexpr std::tuple kMembers{
      &CodeToHttpResponse::code, &CodeToHttpResponse::to_status_code, &CodeToHttpResponse::to_body};
};

template <>
struct Columns<StaticHeader> {
  static constexpr Column kAll[] = {
      {.path = "key", .max = 256, .is_required = true, .is_unique = true, .is_ascii = true},
      {.path = "value", .max = 8192, .is_required = true}};
  static constexpr std::tuple kMembers{&StaticHeader::key, &StaticHeader::value};
};

template <>
struct Columns<StatusToCode> {
  static constexpr Column kAll[] = {
      {.path = "status_code",
       .type = Type::kInteger,
       .min = 100,
       .max = 599,
       .is_required = true,
       .is_unique = true},
      {.path = "to_error.code", .type = Type::kInteger, .max = 2999},
      {.path = "to_error.message", .max = 123, .is_ascii = true},
      {.path = "to_error.temporary", .type = Type::kBoolean},
      {.path = "to_disconnect.code", .type = Type::kInteger, .max = 4999},
      {.path = "to_disconnect.reason", .max = 123, .is_ascii = true}};
  static constexpr std::tuple kMembers{
      &StatusToCode::status_code,        &StatusToCode::to_error_code,
      &StatusToCode::to_error_message,   &StatusToCode::to_error_temporary,
      &StatusToCode::to_disconnect_code, &StatusToCode::to_disconnect_reason};
};

template <class T>
concept HasColumns = requires { Columns<T>::kMembers; };

template <class T>
struct ItemOf {
  using Type = void;
};
template <class Item>
struct ItemOf<std::vector<Item>> {
  using Type = Item;
};

template <HasColumns T>
Row row_of(const T& value) {
  Row row;
  const auto add_cell = [&](const auto& cell) {
    const std::string_view path = Columns<T>::kAll[row.size()].path;
    if constexpr (std::integral<std::remove_cvref_t<decltype(cell)>> &&
                  !std::same_as<std::remove_cvref_t<decltype(cell)>, bool>) {
      row.emplace_back(path, static_cast<int64_t>(cell));
    } else {
      row.emplace_back(path, cell);
    }
  };
  std::apply([&](auto... members) { (add_cell(value.*members), ...); }, Columns<T>::kMembers);
  return row;
}

template <HasColumns T>
T from_row(const Row& row) {
  T value;
  size_t column = 0;
  const auto take_cell = [&](auto& to) {
    using Member = std::remove_cvref_t<decltype(to)>;
    const Cell& cell = row[column++].second;
    if constexpr (std::integral<Member> && !std::same_as<Member, bool>) {
      to = static_cast<Member>(std::get<int64_t>(cell));
    } else {
      to = std::get<Member>(cell);
    }
  };
  std::apply([&](auto... members) { (take_cell(value.*members), ...); }, Columns<T>::kMembers);
  return value;
}

template <class T>
Setting to_setting(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    const auto found =
        std::ranges::find(Choices<T>::kNames, value, &std::pair<std::string_view, T>::second);
    return std::string(found->first);
  } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    return static_cast<int64_t>(value);
  } else if constexpr (HasColumns<typename ItemOf<T>::Type>) {
    std::vector<Row> rows;
    for (const auto& item : value) rows.push_back(row_of(item));
    return rows;
  } else {
    return value;
  }
}

template <class T>
void from_setting(T& value, const Setting& setting) {
  if constexpr (std::is_enum_v<T>) {
    const auto& name = std::get<std::string>(setting);
    value =
        std::ranges::find(Choices<T>::kNames, name, &std::pair<std::string_view, T>::first)->second;
  } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    value = static_cast<T>(std::get<int64_t>(setting));
  } else if constexpr (HasColumns<typename ItemOf<T>::Type>) {
    value.clear();
    for (const Row& row : std::get<std::vector<Row>>(setting))
      value.push_back(from_row<typename ItemOf<T>::Type>(row));
  } else {
    value = std::get<T>(setting);
  }
}

template <class T>
constexpr Type type_of() {
  if constexpr (std::is_enum_v<T>)
    return Type::kChoice;
  else if constexpr (std::same_as<T, bool>)
    return Type::kBoolean;
  else if constexpr (std::integral<T>)
    return Type::kInteger;
  else if constexpr (std::same_as<T, Milliseconds>)
    return Type::kDuration;
  else if constexpr (std::same_as<T, std::string>)
    return Type::kString;
  else if constexpr (HasColumns<typename ItemOf<T>::Type>)
    return Type::kTableList;
  else {
    static_assert(std::same_as<T, std::vector<std::string>>);
    return Type::kStringList;
  }
}

template <class Class, class Member>
Class owner_of(Member Class::*);

// The member that a chain of member pointers leads to.
template <auto First, auto... Rest, class Owner>
auto& member(Owner& owner) {
  return ((owner.*First).*....*Rest);
}

template <auto First, auto... Rest>
auto make_key(std::string path, std::string_view text) {
  using Owner = decltype(owner_of(First));
  using T = std::remove_cvref_t<decltype(member<First, Rest...>(std::declval<Owner&>()))>;
  Key<Owner> key;
  key.path = std::move(path);
  key.text = text;
  key.type = type_of<T>();
  key.get = [](const Owner& owner) { return to_setting(member<First, Rest...>(owner)); };
  key.set = [](Owner& owner, const Setting& setting) {
    from_setting(member<First, Rest...>(owner), setting);
  };
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [name, value] : Choices<T>::kNames) key.choices.push_back(name);
  } else if constexpr (HasColumns<typename ItemOf<T>::Type>) {
    key.columns = Columns<typename ItemOf<T>::Type>::kAll;
  } else if constexpr (std::integral<T> && sizeof(T) < sizeof(int64_t)) {
    key.max = std::numeric_limits<T>::max();
  }
  return key;
}

// Appends an entry to a table; the reference is for what its type does not say, and valid until the
// next one.
template <auto First, auto... Rest, class Keys>
auto& add(Keys& keys, std::string path, std::string_view text) {
  return keys.emplace_back(make_key<First, Rest...>(std::move(path), text));
}

}  // namespace millrace::config
