#include "net/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <span>
#include <utility>

#include "base/assert.h"

namespace millrace::net {
namespace {

using Bio = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;

struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};

struct Chain {
  X509Ptr own;
  std::unique_ptr<STACK_OF(X509), FreeChain> others;
};

// Ticket keys of our own that are accepted: a client that comes back after two reloads still
// resumes.
constexpr size_t kOwnTicketKeysMax = 3;
constexpr size_t kTicketKeyBytes = 80;
constexpr size_t kShortTicketKeyBytes = 48;
constexpr std::string_view kHttp11 = "\x08http/1.1";
// With forward secrecy and authentication; those of TLS 1.3 are OpenSSL's default.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";

Bio reader(std::string_view text) {
  const int size = static_cast<int>(std::min<size_t>(text.size(), INT_MAX));
  return Bio(BIO_new_mem_buf(text.data(), size));
}

// Instead of asking at the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

base::Result<Chain> read_chain(std::string_view pem) {
  ERR_clear_error();
  const Bio in = reader(pem);
  Chain chain;
  chain.own.reset(PEM_read_bio_X509_AUX(in.get(), nullptr, no_password, nullptr));
  if (chain.own == nullptr) {
    return base::fail(base::ErrorCode::kInvalid,
                      "holds no certificate in PEM (" + take_openssl_error() + ")");
  }
  chain.others.reset(sk_X509_new_null());
  while (X509* const next = PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr))
    sk_X509_push(chain.others.get(), next);
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!ended) {
    return base::fail(base::ErrorCode::kInvalid,
                      "holds a certificate that is damaged (" + take_openssl_error() + ")");
  }
  ERR_clear_error();
  return chain;
}

base::Result<Key> read_key(std::string_view pem) {
  ERR_clear_error();
  const Bio in = reader(pem);
  Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    return base::fail(
        base::ErrorCode::kInvalid,
        "holds no private key in PEM, without a password (" + take_openssl_error() + ")");
  }
  return key;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(&kHttp11[0]),
                            static_cast<unsigned int>(kHttp11.size()), in, in_size);
  // RFC 7301, section 3.2
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

bool use_ticket_key(const TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, bool encrypt) {
  std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key.mac.data()), key.bytes),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1 &&
         EVP_CipherInit_ex(cipher, key.bytes == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc(), nullptr,
                           key.cipher.data(), iv, encrypt ? 1 : 0) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) has it: 1 go on, 2 go on and send a new ticket, 0 a
// full handshake, -1 an error.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int encrypt) {
  const auto& keys =
      *static_cast<const std::vector<TicketKey>*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (encrypt == 1) {
    const TicketKey& key = keys.front();
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::ranges::copy(key.name, name);
    return use_ticket_key(key, iv, cipher, mac, true) ? 1 : -1;
  }
  const auto made_by = [name](const TicketKey& key) {
    return std::ranges::equal(key.name, std::span(name, key.name.size()));
  };
  const auto found = std::ranges::find_if(keys, made_by);
  if (found == keys.end()) return 0;
  if (!use_ticket_key(*found, iv, cipher, mac, false)) return -1;
  return found == keys.begin() ? 1 : 2;
}

bool set_up(SSL_CTX* context, TlsVersion version_min) {
  const int version = version_min == TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One read of the socket for all records that are there, rather than two for each.
  SSL_CTX_set_read_ahead(context, 1);
  // Tickets are all that is kept of a session, and the client keeps them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return SSL_CTX_set_min_proto_version(context, version) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers) == 1 &&
         SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

std::string text_of(const X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const EVP_PKEY* const key = X509_get0_pubkey(certificate);
  const char* const kind = key == nullptr ? nullptr : EVP_PKEY_get0_type_name(key);
  BIO_printf(out.get(), ", %s, expires ", kind == nullptr ? "unknown" : kind);
  ASN1_TIME_print(out.get(), X509_get0_notAfter(certificate));
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(size)};
}

base::Result<> add_certificate(SSL_CTX* context, const TlsContext::Certificate& certificate,
                               std::vector<std::string>& texts) {
  base::Result<Chain> chain = read_chain(certificate.chain_pem);
  if (!chain) return base::fail(chain);
  base::Result<Key> key = read_key(certificate.key_pem);
  if (!key) return base::fail(key);
  // Said for itself, because it is the mistake that is made.
  if (X509_check_private_key(chain->own.get(), key->get()) != 1) {
    ERR_clear_error();
    return base::fail(base::ErrorCode::kInvalid, "the key does not fit the certificate");
  }
  texts.push_back(text_of(chain->own.get()));
  // Without replacing: a second certificate has to be of another kind.
  if (SSL_CTX_use_cert_and_key(context, chain->own.get(), key->get(), chain->others.get(), 0) == 1)
    return {};
  const bool same_kind = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NOT_REPLACING_CERTIFICATE;
  const std::string why = take_openssl_error();
  return base::fail(base::ErrorCode::kInvalid,
                    same_kind ? "both keys are of the same kind" : "cannot be used: " + why);
}

// What nginx reads (ngx_event_openssl.c); the two sizes have their parts in different order.
TicketKey ticket_key_of(std::string_view bytes) {
  TicketKey key{};
  key.bytes = bytes.size() == kTicketKeyBytes ? 32 : 16;
  std::ranges::copy(bytes.substr(0, key.name.size()), key.name.begin());
  const std::string_view first = bytes.substr(key.name.size(), key.bytes);
  const std::string_view second = bytes.substr(key.name.size() + key.bytes, key.bytes);
  std::ranges::copy(key.bytes == 32 ? first : second, key.mac.begin());
  std::ranges::copy(key.bytes == 32 ? second : first, key.cipher.begin());
  return key;
}

TicketKey fresh_ticket_key() {
  TicketKey key{};
  const bool random = RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
                      RAND_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
                      RAND_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
  MILLRACE_ASSERT(random);
  return key;
}

base::Result<std::vector<TicketKey>> given_ticket_keys(const std::vector<std::string>& given) {
  if (given.size() > TlsContext::kTicketKeysMax) {
    return base::fail(base::ErrorCode::kInvalid,
                      "more than " + std::to_string(TlsContext::kTicketKeysMax) + " ticket keys");
  }
  std::vector<TicketKey> keys;
  for (const std::string& bytes : given) {
    base::Result<> good = TlsContext::check_ticket_key(bytes);
    if (!good) return base::fail(good);
    const TicketKey key = ticket_key_of(bytes);
    // It would never be looked for.
    if (std::ranges::find(keys, key.name, &TicketKey::name) != keys.end())
      return base::fail(base::ErrorCode::kInvalid, "two ticket keys have the same name");
    keys.push_back(key);
  }
  return keys;
}

// Those that `previous` made for itself are kept for a while.
std::vector<TicketKey> own_ticket_keys(const std::vector<TicketKey>* previous) {
  std::vector<TicketKey> keys{fresh_ticket_key()};
  if (previous == nullptr) return keys;
  const size_t kept = std::min(previous->size(), kOwnTicketKeysMax - 1);
  keys.insert(keys.end(), previous->begin(), previous->begin() + static_cast<ptrdiff_t>(kept));
  return keys;
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long error = ERR_get_error();
  const char* const reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "unknown" : reason;
}

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

base::Result<> TlsContext::check_chain(std::string_view chain_pem) {
  base::Result<Chain> chain = read_chain(chain_pem);
  if (!chain) return base::fail(chain);
  return {};
}

base::Result<> TlsContext::check_key(std::string_view key_pem) {
  base::Result<Key> key = read_key(key_pem);
  if (!key) return base::fail(key);
  return {};
}

base::Result<> TlsContext::check_ticket_key(std::string_view key) {
  if (key.size() == kTicketKeyBytes || key.size() == kShortTicketKeyBytes) return {};
  return base::fail(base::ErrorCode::kInvalid,
                    "a ticket key has 80 or 48 bytes: openssl rand 80 makes one");
}

base::Result<std::shared_ptr<const TlsContext>> TlsContext::create(const Options& options,
                                                                   const TlsContext* previous) {
  auto state = std::make_unique<State>();
  state->context.reset(SSL_CTX_new(TLS_server_method()));
  if (state->context == nullptr || !set_up(state->context.get(), options.version_min))
    return base::fail(base::ErrorCode::kUnavailable, "OpenSSL: " + take_openssl_error());
  for (const Certificate& certificate : options.certificates) {
    base::Result<> added = add_certificate(state->context.get(), certificate, state->certificates);
    if (!added) return base::fail(added);
  }
  state->keys_are_shared = !options.ticket_keys.empty();
  if (state->keys_are_shared) {
    base::Result<std::vector<TicketKey>> keys = given_ticket_keys(options.ticket_keys);
    if (!keys) return base::fail(keys);
    state->ticket_keys = std::move(*keys);
  } else {
    // Keys that were given and are no more are accepted no more.
    const bool kept = previous != nullptr && !previous->state_->keys_are_shared;
    state->ticket_keys = own_ticket_keys(kept ? &previous->state_->ticket_keys : nullptr);
  }
  SSL_CTX_set_app_data(state->context.get(), &state->ticket_keys);
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

const std::vector<std::string>& TlsContext::certificates() const {
  return state_->certificates;
}

}  // namespace millrace::net
