// The JSON of the Centrifuge protocol, as far as its dialects have it in common.
//
// Servers write the keys in the schema's order; what they say is searched, not parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/dialect.h"

namespace millrace::bench::centrifuge_json {

// `{"name":"bench","token":"…","subs":{…}}`; the last only where `subs` is given.
void append_connect_request(std::string& out, std::string_view token, const Joining* subs);
// What a request to subscribe says besides the channel, a comma before each member.
void append_subscription(std::string& out, const Joining& joining);

// The number at the start of `text`, which is cut off.
std::optional<uint64_t> take_number(std::string_view& text);
// What is behind the last `key` in `line`; "" if it is not there.
std::string_view behind_last(std::string_view line, std::string_view key);
// The same, up to the next quote.
std::string_view string_behind(std::string_view line, std::string_view key);
// Of the publication, or the position, that stands last.
uint64_t offset_of(std::string_view line);

// Tells where a subscription begins, and what was missed before.
void tell_recovered(std::string_view line, Client& client, DialectHearer& hearer);
// Ends the client if `line` says that its connection ends, and why.
void tell_end(std::string_view line, Client& client, DialectHearer& hearer);

}  // namespace millrace::bench::centrifuge_json
