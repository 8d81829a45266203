// extension-list   = 1#extension
// extension        = token *( ";" extension-param )
// extension-param  = token [ "=" ( token | quoted-string ) ]
//
// What a quoted-string holds, unescaped, must be a token too.
#include "websocket/extensions.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace millrace::websocket {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_space();
    return rest_.empty();
  }

  bool accept(char c) {
    if (at_end() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Empty if there is none.
  std::string_view token() {
    skip_space();
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const std::string_view found(rest_.begin(), end);
    rest_.remove_prefix(found.size());
    return found;
  }

  // A token, quoted or not. Empty if there is none.
  std::string value() {
    if (!accept('"')) return std::string(token());
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty() || !is_token_char(rest_.front())) return {};
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return {};
    rest_.remove_prefix(1);
    return text;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  std::string_view rest_;
};

// 8..15 without leading zeros (RFC 7692, section 7.1.2), else 0.
int parse_window_bits(std::string_view text) {
  if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) return text[0] - '0';
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5')
    return 10 + text[1] - '0';
  return 0;
}

// One offer of permessage-deflate, as its parameters come in.
class Offer {
 public:
  explicit Offer(int window_bits_min) : window_bits_min_(window_bits_min) {}

  void add(std::string_view name, const std::optional<std::string>& value) {
    if (name == "server_no_context_takeover") {
      usable_ &= !std::exchange(server_no_context_, true) && !value;
    } else if (name == "client_no_context_takeover") {
      usable_ &= !std::exchange(client_no_context_, true) && !value;
    } else if (name == "client_max_window_bits") {
      // A hint: whatever window the client compresses with, we can inflate it.
      usable_ &= !std::exchange(client_window_, true) && (!value || parse_window_bits(*value) != 0);
    } else if (name == "server_max_window_bits") {
      const int bits = value ? parse_window_bits(*value) : 0;
      usable_ &= server_window_bits_ == 0 && bits >= window_bits_min_;
      server_window_bits_ = bits;
    } else {
      usable_ = false;
    }
  }

  bool usable() const { return usable_; }

  DeflateAgreement agreement() const {
    DeflateAgreement agreement;
    agreement.accepted = true;
    agreement.response =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    if (server_window_bits_ != 0) {
      agreement.server_window_bits = server_window_bits_;
      agreement.response += "; server_max_window_bits=" + std::to_string(server_window_bits_);
    }
    return agreement;
  }

 private:
  int window_bits_min_;
  bool usable_ = true;
  bool server_no_context_ = false;
  bool client_no_context_ = false;
  bool client_window_ = false;
  int server_window_bits_ = 0;  // 0: not demanded
};

}  // namespace

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

std::expected<DeflateAgreement, MalformedHeader> negotiate_deflate(std::string_view header,
                                                                   int window_bits_min) {
  DeflateAgreement agreement;
  Scanner scanner(header);
  while (!scanner.at_end()) {
    if (scanner.accept(',')) continue;  // RFC 7230, section 7: empty elements are allowed
    const std::string_view extension = scanner.token();
    if (extension.empty()) return std::unexpected(MalformedHeader{});
    Offer offer(window_bits_min);
    while (scanner.accept(';')) {
      const std::string_view name = scanner.token();
      if (name.empty()) return std::unexpected(MalformedHeader{});
      std::optional<std::string> value;
      if (scanner.accept('=')) {
        value = scanner.value();
        if (value->empty()) return std::unexpected(MalformedHeader{});
      }
      offer.add(name, value);
    }
    if (!scanner.at_end() && !scanner.accept(',')) return std::unexpected(MalformedHeader{});
    if (extension == "permessage-deflate" && offer.usable() && !agreement.accepted)
      agreement = offer.agreement();
  }
  return agreement;
}

}  // namespace millrace::websocket
