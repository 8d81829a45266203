#include "edge/session_id.h"

#include <array>
#include <charconv>

namespace millrace::edge {
namespace {

constexpr size_t kUuidChars = 36;
constexpr int kHex = 16;

template <class T>
void append_hex(std::string& out, T number) {
  std::array<char, 2 * sizeof(T)> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number, kHex);
  out.append(digits.data(), result.ptr);
  out.push_back('-');
}

// Takes a number and the dash behind it off the front.
template <class T>
bool take_hex(std::string_view& text, T& number) {
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number, kHex);
  if (result.ec != std::errc() || result.ptr == end || *result.ptr != '-') return false;
  text.remove_prefix(static_cast<size_t>(result.ptr - text.data()) + 1);
  return true;
}

// The 16 bytes of a UUID's 36 characters, whatever its version.
bool take_uuid(std::string_view text, base::Uuid& uuid) {
  if (text.size() != kUuidChars) return false;
  size_t at = 0;
  for (uint8_t& byte : uuid) {
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
    const auto result = std::from_chars(text.data() + at, text.data() + at + 2, byte, kHex);
    if (result.ec != std::errc() || result.ptr != text.data() + at + 2) return false;
    at += 2;
  }
  return true;
}

}  // namespace

std::string to_string(const SessionId& id) {
  std::string out;
  append_hex(out, id.connection.slot);
  append_hex(out, id.connection.generation);
  append_hex(out, id.connection.core.value());
  out += base::to_string(id.secret);
  return out;
}

std::optional<SessionId> parse_session_id(std::string_view text) {
  SessionId id;
  uint16_t core = 0;
  std::string_view rest = text;
  const bool numbers = take_hex(rest, id.connection.slot) &&
                       take_hex(rest, id.connection.generation) && take_hex(rest, core);
  if (!numbers || !take_uuid(rest, id.secret)) return std::nullopt;
  id.connection.core = base::CoreId{core};
  // One spelling each: no leading zeros, no capitals.
  if (to_string(id) != text) return std::nullopt;
  return id;
}

}  // namespace millrace::edge
