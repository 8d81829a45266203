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
  // Ours; paths. The first one's key makes tickets; none: every process makes keys of its own.
  std::vector<std::string> session_ticket_key_files;
};

struct TlsProblem {
  std::string key;  // the full one
  std::string message;
};

// Reads the files. What it returns has been tried: certificates and keys fit. Blocks; at every
// call, because files change while their names don't.
[[nodiscard]] std::expected<net::TlsContext::Options, TlsProblem> load_tls(const Tls& tls);

// What load_tls() does not mind, but somebody should: ticket keys that others than the owner and
// the group can read, or others than the owner can change.
std::vector<TlsProblem> doubts_of(const Tls& tls);

}  // namespace millrace::config
