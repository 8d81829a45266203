// The server API: how a backend publishes, asks about channels, and acts on its users' connections.
// Over HTTP, as Centrifugo's server libraries speak it (docs/api.md).
//
//   POST <prefix>/<method>   one method's parameters as a JSON object
//   POST <prefix>/batch      {"commands":[{<method>:{...}}...]}
//   POST <prefix>            older libraries' form: a line {"method":...,"params":{...}} for each
//
// Added to the router of every core; everything runs on that core. A key is needed (X-API-Key,
// `Authorization: apikey`, or `?api_key=`, the first that is there), unless the API is open:
// without a key configured every request is answered 401.
//
// Answers    200 {"result":{...}}, or 200 {"error":{"code":107,"message":"bad request: ..."}}. In
//            the transport error mode (Options, or the header X-Centrifugo-Error-Mode: transport)
//            an error has a status of its own: 4xx or 5xx {"code":107,"message":"..."}. Text that
//            is not JSON: 400. An X-Request-Id that is fit to be printed comes back in the answer.
// Order      Publications of one request go out in its order. A batch that is not parallel, and
//            lines, are worked on one after another. Answers are in the order of what was asked.
// Limits     Those below; over them: 107, or 106 for all broadcasts of a request together. The body
//            is bounded by http::Options, and the names of channels by the hub.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "http/http.h"
#include "hub/hub.h"
#include "metrics/metrics.h"

namespace millrace::api {

inline constexpr size_t kCommandsMax = 1'000;            // of a batch, and lines
inline constexpr size_t kBroadcastChannelsMax = 10'000;  // of one request
inline constexpr size_t kTagsMax = 100;                  // of a publication
inline constexpr size_t kTagBytesMax = 16UL * 1024;      // of all its tags, names included
inline constexpr size_t kIdempotencyKeyBytesMax = 512;
inline constexpr size_t kVersionEpochBytesMax = 256;
inline constexpr size_t kClientBytesMax = 128;
inline constexpr size_t kSubjectBytesMax = 1'024;  // a user or a token's id that is shut out
inline constexpr size_t kWhitelistMax = 1'000;
inline constexpr size_t kPatternBytesMax = 256;
inline constexpr size_t kRequestIdBytesMax = 128;  // a longer one is not given back

struct Options {
  std::string prefix = "/api";
  std::string key;                // "": none configured
  bool insecure = false;          // --dev, http_api.insecure: no key is asked for
  bool transport_errors = false;  // http_api.error_mode = "transport"
};

// What `info` says of a node.
struct NodeInfo {
  std::string uid{};
  std::string name{};
  std::string version{};
  uint64_t num_clients = 0;
  uint64_t num_channels = 0;
  uint64_t num_subs = 0;
  uint64_t uptime = 0;  // seconds
};

// What the API works with: all of it is its core's or immutable, and outlives the router.
struct Parts {
  hub::Hub& hub;
  const hub::Namespaces& namespaces;
  metrics::Core& metrics;
  std::function<NodeInfo()> node;
};

void add_routes(http::Router& router, const Options& options, Parts parts);

}  // namespace millrace::api
