// The keys about the application's backend.
#include <chrono>

#include "config/bind.h"

namespace millrace::config {

void add_proxy_keys(std::vector<Key<Config>>& keys) {
  using namespace std::chrono_literals;
  constexpr auto kClient = &Config::client;
  constexpr auto kConnect = &Client::connect_proxy;
  add<kClient, kConnect, &ConnectProxy::enabled>(
      keys, "client.proxy.connect.enabled",
      "Asks the application's backend who a client without a token is.");
  add<kClient, kConnect, &ConnectProxy::endpoint>(keys, "client.proxy.connect.endpoint",
                                                  "URL that the question is posted to, http:// or "
                                                  "https://; the certificate is verified against "
                                                  "the system's authorities.");
  add<kClient, kConnect, &ConnectProxy::timeout>(keys, "client.proxy.connect.timeout",
                                                 "How long the backend may take to answer.")
      .range(10ms, 1min);
  add<kClient, kConnect, &ConnectProxy::http_headers>(
      keys, "client.proxy.connect.http_headers",
      "Headers of the client's own request that are passed on. X-Forwarded-For and X-Real-Ip then "
      "say the client's address as the server knows it; others that proxies write about clients, "
      "X-Forwarded-* and the like, are passed on from http_server.trusted_proxies only.");
  add<kClient, kConnect, &ConnectProxy::emulated_headers>(
      keys, "client.proxy.connect.emulated_headers",
      "Headers that are taken from the headers of a client's connect command, where its request "
      "has "
      "none: what they say is the client's word.");
  add<kClient, kConnect, &ConnectProxy::binary_encoding>(
      keys, "client.proxy.connect.binary_encoding",
      "Sends the data of a connect in base64, as b64data, so that it need not be JSON.");
  add<kClient, kConnect, &ConnectProxy::include_connection_meta>(
      keys, "client.proxy.connect.include_connection_meta",
      "Changes nothing: a connection has no meta before this answer.");
  add<kClient, kConnect, &ConnectProxy::requests_max>(
      keys, "client.proxy.connect.requests_max",
      "Questions of one worker that may be under way; over it clients get error 111, after which "
      "they come back later.")
      .range(1, 100'000)
      .ours();
  add<kClient, kConnect, &ConnectProxy::connections_max>(
      keys, "client.proxy.connect.connections_max",
      "Connections of one worker to the backend; further questions wait for one, within their "
      "time.")
      .range(1, 10'000)
      .ours();
  add<kClient, kConnect, &ConnectProxy::static_headers>(
      keys, "client.proxy.connect.http.static_headers",
      "Headers of every question; those of the client that are passed on replace them. Also as a "
      "table of names and values.")
      .secret();
  add<kClient, kConnect, &ConnectProxy::status_to_code_transforms>(
      keys, "client.proxy.connect.http.status_to_code_transforms",
      "What statuses of the backend's mean to the client, an error or a disconnect; without it "
      "every status but 200 is error 100.");
}

}  // namespace millrace::config
