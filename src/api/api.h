// The server API: how a backend publishes. `POST <prefix>/publish` with a JSON body, as
// Centrifugo's server libraries send it.
//
// Added to the router of every core. A key is needed (X-API-Key, `Authorization: apikey`, or
// `?api_key=`), unless the API is open: without a key configured every request is answered 401.
#pragma once

#include <string>

#include "http/http.h"
#include "hub/hub.h"

namespace millrace::api {

struct Options {
  std::string prefix = "/api";
  std::string key;        // "": none configured
  bool insecure = false;  // --dev, http_api.insecure: no key is asked for
};

// Success: 200 {"result":{}}; an error of the protocol: 200 {"error":{"code":107,"message":"bad
// request"}}; malformed JSON: 400. `hub` is the one of the router's core and outlives the router.
void add_routes(http::Router& router, const Options& options, hub::Hub& hub);

}  // namespace millrace::api
