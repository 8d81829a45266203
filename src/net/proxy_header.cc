#include "net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/assert.h"

namespace millrace::net {
namespace {

using Step = ProxyHeaderDecoder::Step;
using namespace std::string_view_literals;

constexpr std::string_view kText = "PROXY "sv;
constexpr std::string_view kUnknown = "PROXY UNKNOWN"sv;
constexpr std::string_view kTcp4 = "PROXY TCP4 "sv;
constexpr std::string_view kTcp6 = "PROXY TCP6 "sv;
constexpr std::string_view kLineEnd = "\r\n"sv;
constexpr size_t kTextBytesMin = kUnknown.size() + kLineEnd.size();
constexpr size_t kTextSpaces = 5;  // of a line that names addresses

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr size_t kFixedBytes = 16;
static_assert(kSignature.size() == 12);
static_assert(kTextBytesMin < kFixedBytes, "the first read must not go beyond either form");

constexpr unsigned kVersion = 2;
constexpr unsigned kLocal = 0;
constexpr unsigned kProxied = 1;
constexpr unsigned kProtocolMax = 2;  // unspecified, stream, datagram
enum Family : uint8_t { kUnspecified = 0, kInet = 1, kInet6 = 2, kUnix = 3 };
// By family: two addresses, and two ports where there are some.
constexpr std::array<size_t, 4> kAddressBytes = {0, 2 * 4 + 4, 2 * 16 + 4, 2 * 108};

constexpr size_t kTlvHeadBytes = 3;
constexpr unsigned kTlvCrc32c = 0x03;
constexpr size_t kCrcBytes = 4;

unsigned byte_at(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

size_t number_at(std::string_view bytes, size_t at) {
  return byte_at(bytes, at) << 8U | byte_at(bytes, at + 1);
}

template <size_t Size>
std::span<const uint8_t, Size> address_at_start(std::string_view bytes) {
  return std::span<const uint8_t, Size>(reinterpret_cast<const uint8_t*>(bytes.data()), Size);
}

// Whether what is there of `expected` is as expected.
bool begins_as(std::string_view bytes, std::string_view expected) {
  return bytes.starts_with(expected.substr(0, bytes.size()));
}

bool is_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool zeros = text.size() > 1 && text.starts_with('0');
  return error == std::errc{} && end == text.data() + text.size() && !zeros;
}

// A line ends at its first CR or LF; here only as CRLF, and that at the end of what was read.
bool has_stray_line_end(std::string_view bytes) {
  const size_t at = bytes.find_first_of(kLineEnd);
  return at != std::string_view::npos && bytes.substr(at) != kLineEnd.substr(0, bytes.size() - at);
}

// RFC 4960, appendix B, bit by bit: a header is short. Bytes from `zeros` on for a checksum's
// length count as zero.
uint32_t crc32c(std::string_view bytes, size_t zeros) {
  constexpr uint32_t kPolynomial = 0x82f63b78;
  uint32_t crc = ~uint32_t{0};
  for (size_t i = 0; i < bytes.size(); ++i) {
    crc ^= i >= zeros && i < zeros + kCrcBytes ? 0U : byte_at(bytes, i);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
  }
  return ~crc;
}

}  // namespace

size_t ProxyHeaderDecoder::block_bytes() const {
  return number_at(bytes_, kFixedBytes - 2);
}

size_t ProxyHeaderDecoder::wanted() const {
  const size_t size = bytes_.size();
  if (is_binary()) {
    return size < kFixedBytes ? kFixedBytes - size : kFixedBytes + block_bytes() - size;
  }
  if (size < kTextBytesMin) return kTextBytesMin - size;
  if (bytes_.ends_with('\r')) return 1;
  if (bytes_.starts_with(kUnknown)) return kLineEnd.size();
  // Each missing field has a space before it and at least one character.
  const auto spaces = static_cast<size_t>(std::ranges::count(bytes_, ' '));
  const size_t begun = bytes_.ends_with(' ') ? 1 : 0;
  return begun + 2 * (kTextSpaces - std::min(spaces, kTextSpaces)) + kLineEnd.size();
}

Step ProxyHeaderDecoder::feed(std::string_view bytes) {
  MILLRACE_ASSERT(!bytes.empty());
  MILLRACE_ASSERT(bytes.size() <= wanted());
  bytes_ += bytes;
  return is_binary() ? feed_binary() : feed_text();
}

// ---- Version 1 ----

Step ProxyHeaderDecoder::feed_text() {
  if (!begins_as(bytes_, kText)) return fail("neither version of the protocol");
  if (!begins_as(bytes_, kUnknown) && !begins_as(bytes_, kTcp4) && !begins_as(bytes_, kTcp6))
    return fail("an unknown family");
  if (has_stray_line_end(bytes_)) return fail("a line that does not end in CRLF");
  // An empty field, which wanted() would count as a whole one.
  if (!bytes_.starts_with(kUnknown) && bytes_.find("  ") != std::string::npos)
    return fail("too few fields");
  const size_t end = bytes_.find('\r');
  if (end != std::string::npos) {
    if (read_text(std::string_view(bytes_).substr(0, end)) == Step::kError) return Step::kError;
    if (bytes_.ends_with('\n')) return Step::kDone;
  }
  if (bytes_.size() + wanted() > kTextBytesMax) return fail("a line of more than 107 bytes");
  return Step::kNeedMore;
}

Step ProxyHeaderDecoder::read_text(std::string_view line) {
  if (line.starts_with(kUnknown)) {
    const std::string_view rest = line.substr(kUnknown.size());
    if (!rest.empty() && !rest.starts_with(' ')) return fail("an unknown family");
    return Step::kDone;
  }
  const bool is_v4 = line.starts_with(kTcp4);
  line.remove_prefix(kTcp4.size());
  std::array<std::string_view, 4> fields;  // source, destination, and their ports
  for (size_t i = 0; i + 1 < fields.size(); ++i) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return fail("too few fields");
    fields[i] = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  fields.back() = line;
  for (const std::string_view address : {fields[0], fields[1]}) {
    const bool of_family = (address.find(':') == std::string_view::npos) == is_v4;
    if (!of_family || !IpAddress::parse(address)) return fail("not an address of its family");
  }
  if (!is_port(fields[2]) || !is_port(fields[3])) return fail("not a port");
  source_ = IpAddress::parse(fields[0]);
  return Step::kDone;
}

// ---- Version 2 ----

Step ProxyHeaderDecoder::feed_binary() {
  if (!begins_as(bytes_, kSignature)) return fail("neither version of the protocol");
  if (bytes_.size() < kFixedBytes) return Step::kNeedMore;
  const unsigned version_and_command = byte_at(bytes_, kSignature.size());
  if (version_and_command >> 4U != kVersion) return fail("an unknown version");
  const unsigned command = version_and_command & 0xfU;
  if (command != kLocal && command != kProxied) return fail("an unknown command");
  if (block_bytes() > kBlockBytesMax) return fail("a header of more than 4 KiB");
  if (bytes_.size() < kFixedBytes + block_bytes()) return Step::kNeedMore;
  // Of a LOCAL one the family is to be ignored, too.
  return command == kLocal ? Step::kDone : read_block(std::string_view(bytes_).substr(kFixedBytes));
}

Step ProxyHeaderDecoder::read_block(std::string_view block) {
  const unsigned family_and_protocol = byte_at(bytes_, kSignature.size() + 1);
  const unsigned family = family_and_protocol >> 4U;
  const unsigned protocol = family_and_protocol & 0xfU;
  if (family >= kAddressBytes.size()) return fail("an unknown family");
  if (protocol > kProtocolMax) return fail("an unknown protocol");
  if (family == kUnspecified || protocol == 0) return Step::kDone;
  if (block.size() < kAddressBytes[family]) return fail("too short for its addresses");
  if (check_tlvs(block.substr(kAddressBytes[family])) == Step::kError) return Step::kError;
  if (family == kInet) source_ = IpAddress::v4(address_at_start<4>(block));
  if (family == kInet6) source_ = IpAddress::v6(address_at_start<16>(block));
  return Step::kDone;
}

Step ProxyHeaderDecoder::check_tlvs(std::string_view tlvs) {
  bool checked = false;
  while (!tlvs.empty()) {
    if (tlvs.size() < kTlvHeadBytes) return fail("a TLV that is cut off");
    const unsigned type = byte_at(tlvs, 0);
    const size_t length = number_at(tlvs, 1);
    tlvs.remove_prefix(kTlvHeadBytes);
    if (tlvs.size() < length) return fail("a TLV that is cut off");
    if (type == kTlvCrc32c) {
      // At most once: many of them would be many times the work.
      if (length != kCrcBytes || checked) return fail("a malformed checksum");
      checked = true;
      const auto at = static_cast<size_t>(tlvs.data() - bytes_.data());
      const size_t told = number_at(tlvs, 0) << 16U | number_at(tlvs, 2);
      if (crc32c(bytes_, at) != told) return fail("a wrong checksum");
    }
    tlvs.remove_prefix(length);
  }
  return Step::kDone;
}

}  // namespace millrace::net
