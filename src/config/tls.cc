#include "config/tls.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/result.h"

namespace millrace::config {
namespace {

constexpr std::string_view kGroup = "http_server.tls.";
constexpr size_t kFileBytesMax = 1024UL * 1024;
constexpr std::string_view kTicketKeyFiles = "session_ticket_key_files";

bool holds_pem(std::string_view text) {
  return text.find("-----BEGIN ") != std::string_view::npos;
}

struct Pem {
  std::string text;
  std::string file;  // "": the key's value held it
};

// A value may be a key that was pasted wrongly, which nobody wants in a log: only what looks like a
// path is shown. Base64 has no dot.
std::string shown(const std::string& value) {
  const bool path = value.find('.') != std::string::npos && value.size() < 1'024 &&
                    std::ranges::none_of(value, [](char c) { return c < ' '; });
  return path ? "\"" + value + "\"" : "what it says";
}

base::Result<Pem> read_pem(const std::string& value) {
  if (holds_pem(value)) return Pem{value, {}};
  if (std::optional<std::string> decoded = base::decode_base64(value);
      decoded && holds_pem(*decoded))
    return Pem{std::move(*decoded), {}};
  std::ifstream in(value, std::ios::binary);
  if (!in) {
    const int why = errno;
    return base::fail(base::ErrorCode::kIo, "is neither PEM nor base64 of it, and as a file " +
                                                shown(value) +
                                                " cannot be opened: " + std::strerror(why));
  }
  Pem pem{std::string(std::istreambuf_iterator<char>(in), {}), value};
  if (in.bad() || pem.text.empty() || pem.text.size() > kFileBytesMax) {
    return base::fail(base::ErrorCode::kInvalid,
                      shown(value) + " is empty, cannot be read, or has more than 1 MiB");
  }
  return pem;
}

std::string where(const Pem& pem) {
  return pem.file.empty() ? std::string() : "\"" + pem.file + "\" ";
}

std::unexpected<TlsProblem> problem(std::string_view name, std::string message) {
  return std::unexpected(TlsProblem{std::string(kGroup) + std::string(name), std::move(message)});
}

// A certificate by the names and values of its two keys.
struct Source {
  std::string_view cert_name;
  std::string_view key_name;
  const std::string& cert;
  const std::string& key;
};

std::expected<net::TlsContext::Certificate, TlsProblem> load_one(const Source& source) {
  if (source.cert.empty()) return problem(source.cert_name, "is missing: TLS needs a certificate");
  if (source.key.empty()) {
    return problem(source.key_name,
                   "is missing: a certificate is of no use without its private key");
  }
  const base::Result<Pem> cert = read_pem(source.cert);
  if (!cert) return problem(source.cert_name, cert.error().message);
  const base::Result<> good_cert = net::TlsContext::check_chain(cert->text);
  if (!good_cert) return problem(source.cert_name, where(*cert) + good_cert.error().message);
  const base::Result<Pem> key = read_pem(source.key);
  if (!key) return problem(source.key_name, key.error().message);
  const base::Result<> good_key = net::TlsContext::check_key(key->text);
  if (!good_key) return problem(source.key_name, where(*key) + good_key.error().message);
  net::TlsContext::Certificate result{cert->text, key->text};
  net::TlsContext::Options alone;
  alone.certificates.push_back(result);
  const auto made = net::TlsContext::create(alone, nullptr);
  if (!made) {
    return problem(source.key_name, where(*key) + "with the certificate " + where(*cert) + "of " +
                                        std::string(kGroup) + std::string(source.cert_name) + ": " +
                                        made.error().message);
  }
  return result;
}

std::expected<std::vector<std::string>, TlsProblem> load_ticket_keys(
    const std::vector<std::string>& files) {
  std::vector<std::string> keys;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      const int why = errno;
      return problem(kTicketKeyFiles, "\"" + file + "\" cannot be opened: " + std::strerror(why));
    }
    // One byte more than any key has.
    std::string key(81, '\0');
    in.read(key.data(), static_cast<std::streamsize>(key.size()));
    key.resize(static_cast<size_t>(in.gcount()));
    const base::Result<> good = net::TlsContext::check_ticket_key(key);
    if (!good) return problem(kTicketKeyFiles, "\"" + file + "\": " + good.error().message);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

std::vector<TlsProblem> doubts_of(const Tls& tls) {
  constexpr mode_t kTooMuch = S_IWGRP | S_IROTH | S_IWOTH;
  std::vector<TlsProblem> doubts;
  for (const std::string& file : tls.session_ticket_key_files) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0 || (status.st_mode & kTooMuch) == 0) continue;
    doubts.push_back(
        {std::string(kGroup) + std::string(kTicketKeyFiles),
         "\"" + file +
             "\" can be read or changed by others, who could then read what clients say: chmod "
             "600"});
  }
  return doubts;
}

std::expected<net::TlsContext::Options, TlsProblem> load_tls(const Tls& tls) {
  net::TlsContext::Options options;
  options.version_min = tls.min_version;
  auto first = load_one({"cert_pem", "key_pem", tls.cert_pem, tls.key_pem});
  if (!first) return std::unexpected(std::move(first.error()));
  options.certificates.push_back(std::move(*first));
  auto ticket_keys = load_ticket_keys(tls.session_ticket_key_files);
  if (!ticket_keys) return std::unexpected(std::move(ticket_keys.error()));
  options.ticket_keys = std::move(*ticket_keys);
  const auto with_keys = net::TlsContext::create(options, nullptr);
  if (!with_keys) return problem(kTicketKeyFiles, with_keys.error().message);
  if (tls.second_cert_pem.empty() && tls.second_key_pem.empty()) return options;
  auto second =
      load_one({"second_cert_pem", "second_key_pem", tls.second_cert_pem, tls.second_key_pem});
  if (!second) return std::unexpected(std::move(second.error()));
  options.certificates.push_back(std::move(*second));
  const auto made = net::TlsContext::create(options, nullptr);
  if (!made) return problem("second_key_pem", "with key_pem: " + made.error().message);
  return options;
}

}  // namespace millrace::config
