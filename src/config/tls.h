// The configuration's part about TLS at the client port, and the way from it to certificates.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "net/net.h"

namespace millrace::config {

// A text in PEM, base64 of it, or the path of a file with it: as Centrifugo has them.
struct Tls {
  bool enabled = false;
  std::string cert_pem;
  std::string key_pem;          // secret
  std::string second_cert_pem;  // ours; "": none. Its key is of another kind.
  std::string second_key_pem;   // ours, secret
  net::TlsVersion min_version = net::TlsVersion::k12;  // ours
};

struct TlsProblem {
  std::string key;  // the full one
  std::string message;
};

// Reads the files. What it returns has been tried: certificates and keys fit. Blocks; at every
// call, because files change while their names don't.
[[nodiscard]] std::expected<net::TlsContext::Options, TlsProblem> load_tls(const Tls& tls);

}  // namespace millrace::config
