// What the two decoders share.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

#include "base/function_ref.h"
#include "base/result.h"
#include "protocol/protocol.h"

namespace millrace::protocol {

inline constexpr const char* kTooManyEntries = "too many entries";

// As decode_commands(), each for its format. `frame` is not empty.
base::Result<> decode_json(std::string_view frame,
                           base::FunctionRef<bool(const Command&)> on_command);
base::Result<> decode_protobuf(std::string_view frame,
                               base::FunctionRef<bool(const Command&)> on_command);

// Reads one of a command's alternatives with `read(request)` into where it belongs: into `body`,
// unless an alternative with a lower field number, which counts first, is there already. A request
// that was read before is handed to `read` as it is.
template <class Request, class Read>
void read_alternative(CommandBody& body, Read read) {
  static constexpr size_t kIndex = CommandBody(std::in_place_type<Request>).index();
  if (body.index() != 0 && body.index() < kIndex) {
    Request outranked;
    read(outranked);
    return;
  }
  if (body.index() != kIndex) body.emplace<Request>();
  read(std::get<Request>(body));
}

// Of entries with the same key keeps the last, as maps do. Call once for a command that has been
// read.
void drop_repeated_entries(Command& command);

}  // namespace millrace::protocol
