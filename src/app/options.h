// The configuration, mapped onto each module's own Options.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/admin.h"
#include "api/api.h"
#include "auth/auth.h"
#include "config/config.h"
#include "edge/edge.h"
#include "http/http.h"
#include "hub/hub.h"
#include "metrics/metrics.h"
#include "net/net.h"
#include "webhook/webhook.h"

namespace millrace::app {

struct Options {
  std::vector<net::Address> listen;
  size_t workers = 1;
  size_t open_files_reserve = 256;
  size_t connection_limit = 0;  // 0: what the open files allow
  // Of each transport, besides; 0: none of its own.
  std::array<size_t, metrics::kTransports> transport_connection_limits{};
  size_t connection_rate_limit = 0;  // per second; 0: none
  std::chrono::milliseconds shutdown_timeout{30'000};
  std::string region;
  std::string server_id;
  std::string version;
  std::shared_ptr<const net::TlsContext> tls;  // null: plain; shared by cores
  http::Options http;
  bool proxy_protocol = false;
  net::TrustedPeers trusted_proxies;
  auth::Options connection_tokens;
  std::optional<auth::Options> subscription_tokens;  // nullopt: verified as connection tokens are
  std::optional<webhook::ConnectOptions> connect_proxy;  // nullopt: the backend is not asked
  hub::Options hub;
  edge::Options edge;
  api::Options api;
  bool api_enabled = true;
  admin::Options admin;
};

Options options_from(const config::Config& config);

}  // namespace millrace::app
