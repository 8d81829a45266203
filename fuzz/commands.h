// What the fuzz targets of both command decoders ask of a command.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <variant>

#include "base/assert.h"
#include "protocol/protocol.h"

namespace millrace::fuzz {

// A string of a command: valid UTF-8, and every byte of it can be read (which a sanitizer watches).
inline void check_text(protocol::Text text) {
  MILLRACE_ASSERT(text.empty() || simdjson::validate_utf8(text.data(), text.size()));
}

// A tags filter: its strings are its own. Returns how many nodes and values it has.
inline size_t check_filter(const model::FilterNode& node, size_t depth) {
  MILLRACE_ASSERT(depth <= protocol::kFilterDepthMax);
  for (const std::string& text : {node.op, node.key, node.cmp, node.val}) check_text(text);
  for (const std::string& text : node.vals) check_text(text);
  size_t items = 1 + node.vals.size();
  for (const model::FilterNode& child : node.nodes) items += check_filter(child, depth + 1);
  MILLRACE_ASSERT(items <= protocol::kFilterItemsMax);
  return items;
}

// Calls `on_text` and `on_payload` for every string and payload of a command.
class Views {
 public:
  template <class OnText, class OnPayload>
  static void visit(const protocol::Command& command, OnText on_text, OnPayload on_payload) {
    std::visit([&](const auto& request) { visit_request(request, on_text, on_payload); },
               command.body);
  }

 private:
  template <class Request>
  static void visit_request(const Request& request, auto& on_text, auto& on_payload) {
    if constexpr (requires { request.channel; }) on_text(request.channel);
    if constexpr (requires { request.token; }) on_text(request.token);
    if constexpr (requires { request.epoch; }) on_text(request.epoch);
    if constexpr (requires { request.delta; }) on_text(request.delta);
    if constexpr (requires { request.key; }) on_text(request.key);
    if constexpr (requires { request.method; }) on_text(request.method);
    if constexpr (requires { request.name; }) on_text(request.name);
    if constexpr (requires { request.version; }) on_text(request.version);
    if constexpr (requires { request.data; }) on_payload(request.data);
    if constexpr (requires { request.since; }) {
      if (request.since) on_text(request.since->epoch);
    }
    if constexpr (requires { request.tags_filter; }) {
      if (request.tags_filter) check_filter(*request.tags_filter, 1);
    }
    if constexpr (requires { request.subs; }) visit_maps(request, on_text, on_payload);
  }

  static void visit_maps(const protocol::ConnectRequest& connect, auto& on_text, auto& on_payload) {
    MILLRACE_ASSERT(connect.subs.size() <= protocol::kConnectEntriesMax);
    MILLRACE_ASSERT(connect.headers.size() <= protocol::kConnectEntriesMax);
    for (const auto& [channel, subscription] : connect.subs) {
      on_text(channel);
      visit_request(subscription, on_text, on_payload);
    }
    for (const auto& [name, value] : connect.headers) {
      on_text(name);
      on_text(value);
    }
  }
};

}  // namespace millrace::fuzz
