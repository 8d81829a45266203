// What is kept of a client's own requests for those who say who it is: the application's backend,
// which is shown headers that the configuration lists and nothing else, and a proxy in front, which
// may name the user.
//
// Made once, by Core. Where nobody is asked and nobody is believed, nothing is kept at all.
//
// What a client can make up must not look like a proxy's word:
//
//   X-Forwarded-For, X-Real-Ip       are not copied: they say http::Request::client(), as far as
//                                    proxies that are trusted have told
//   other headers of proxies, and    are taken from requests of trusted proxies only, and never
//   the one that names the user      from a connect command
//   headers of a connection, and     are never passed on
//   of a message
//
// Limits     kHeaderBytesMax for the headers of one client.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/edge.h"
#include "http/http.h"
#include "hub/hub.h"
#include "protocol/protocol.h"

namespace millrace::edge {

class VisitorRules {
 public:
  static constexpr size_t kHeaderBytesMax = 16UL * 1024;

  explicit VisitorRules(const Options& options);

  // What the request that brings a client says; null: nothing of it is kept. kTooLarge: more than
  // may be kept. kInvalid: it names more than one user, or none that could be one.
  base::Result<std::unique_ptr<hub::Visitor>> of_request(const http::Request& request) const;

  // Adds what the client says in its connect. Null: nobody is told anything. kInvalid: what it
  // calls a header is none. kTooLarge: as above.
  base::Result<std::unique_ptr<hub::Visitor>> complete(
      std::unique_ptr<hub::Visitor> visitor, const protocol::ConnectRequest& connect) const;

 private:
  using Names = std::vector<std::string>;  // spelled_header()s, sorted

  bool only_of_proxies(std::string_view name) const;
  base::Result<> add_emulated(hub::Visitor& visitor, const protocol::ConnectRequest& connect) const;

  const bool asks_backend_;
  const Names headers_;
  const Names emulated_;
  const std::string user_header_;  // "": none
};

}  // namespace millrace::edge
