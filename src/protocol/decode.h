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

inline constexpr const char* kTooManyFilterItems = "too many nodes and values in tags filters";
inline constexpr const char* kTooDeepFilter = "a tags filter is nested too deeply";

// What the tags filters of one command have taken of their bounds.
class FilterUse {
 public:
  // One more node or value. False when there are too many.
  bool add() { return ++items_ <= kFilterItemsMax; }

  // Into the nodes of a node, and out again. False when that is too deep.
  bool enter() { return ++depth_ < kFilterDepthMax; }
  void leave() { --depth_; }

 private:
  size_t items_ = 0;
  size_t depth_ = 0;
};

// As decode_commands(), each for its format. `frame` is not empty.
base::Result<> decode_json(std::string_view frame,
                           base::FunctionRef<bool(const Command&)> on_command);
base::Result<> decode_protobuf(std::string_view frame,
                               base::FunctionRef<bool(const Command&)> on_command);

// As decode_emulation(), each for its format.
base::Result<> decode_emulation_json(std::string_view body,
                                     base::FunctionRef<void(const EmulationRequest&)> on_request);
base::Result<> decode_emulation_protobuf(
    std::string_view body, base::FunctionRef<void(const EmulationRequest&)> on_request);

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

// Of entries with the same key keeps the last, as maps do. Call once for a command or request that
// has been read.
void drop_repeated_entries(Command& command);
void drop_repeated_entries(ConnectRequest& connect);

}  // namespace millrace::protocol
