// What cores of different nodes say to each other about sessions, as bytes: the content of the
// broker's control messages.
//
//   message Control {              // proto3; one in each control message, with nothing around it
//     string node = 1;             // who says this: a node's uid,
//     uint32 core = 2;             //   and a core of it
//     uint64 id = 3;               // of the ask, by which the answer names it; 0: nobody waits
//     oneof what { Ask ask = 4; Answer answer = 5; }
//   }
//   message Ask {
//     uint32 kind = 1;             // 1 commands, 2 poll, 3 let go, 4 goodbye
//     uint32 session_core = 2;  uint32 session_slot = 3;  uint32 session_generation = 4;
//     bytes session_secret = 5;    // 16
//     bytes data = 6;              // of commands
//     uint64 ack = 7;              // of a poll, and of one to let go of
//   }
//   message Answer {
//     uint32 status = 1;           // of HTTP: 200, 204, or 400 to 599
//     bytes body = 2;              // of a 200
//     string content_type = 3;     // of the body: at most 128 printable characters
//   }
//
// Nodes of different versions understand each other: numbers are never used anew, a field or kind
// that is not known here is passed over, and one that is absent has its default.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "edge/session_request.h"
#include "hub/hub.h"

namespace millrace::edge {

struct ControlAsk {
  hub::Address from{};
  uint64_t id = 0;
  SessionRequest request{};
};
struct ControlAnswer {
  hub::Address from{};
  uint64_t id = 0;
  SessionAnswer answer{};
};
using Control = std::variant<ControlAsk, ControlAnswer>;

enum class ControlFault : uint8_t {
  kMalformed,
  kUnknown,  // of a kind that this version does not know
};

std::string encode(const ControlAsk& ask);
std::string encode(const ControlAnswer& answer);
std::expected<Control, ControlFault> decode_control(std::string_view bytes);

}  // namespace millrace::edge
