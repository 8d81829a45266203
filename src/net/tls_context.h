// What a TlsContext holds: OpenSSL's context, and the keys of its session tickets.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "net/tls.h"

namespace millrace::net {

// Frees what OpenSSL has made.
template <auto Function>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};

// A key of session tickets (RFC 5077, section 4): AES-CBC and HMAC-SHA-256.
struct TicketKey {
  std::array<unsigned char, 16> name;
  // Of both, as many bytes as the key has: 32 for AES-256, or 16 for AES-128.
  std::array<unsigned char, 32> cipher;
  std::array<unsigned char, 32> mac;
  size_t bytes = 32;
};

struct TlsContext::State {
  std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>> context;
  std::vector<TicketKey> ticket_keys;  // the first one makes tickets
  bool keys_are_shared = false;        // with other processes: they were given
  std::vector<std::string> certificates;
};

// The first of OpenSSL's errors on this thread, in words; all are forgotten.
std::string take_openssl_error();

}  // namespace millrace::net
