#include "hub/namespaces.h"

#include <re2/re2.h>

#include <algorithm>

#include "base/assert.h"

namespace millrace::hub {

struct Namespaces::Namespace {
  std::string name;
  ChannelOptions options;
  std::unique_ptr<const re2::RE2> pattern;  // null: any ASCII name
};

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Namespaces::Namespaces() : Namespaces({}, {}, {}) {}
Namespaces::~Namespaces() = default;
Namespaces::Namespaces(Namespaces&&) noexcept = default;
Namespaces& Namespaces::operator=(Namespaces&&) noexcept = default;

Namespaces::Namespaces(ChannelGrammar grammar, ChannelOptions without_namespace,
                       std::vector<std::pair<std::string, ChannelOptions>> namespaces)
    : grammar_(std::move(grammar)) {
  namespaces.insert(namespaces.begin(), {"", std::move(without_namespace)});
  for (auto& [name, options] : namespaces) {
    std::unique_ptr<const re2::RE2> pattern;
    if (!options.channel_regex.empty()) {
      pattern = std::make_unique<const re2::RE2>(options.channel_regex, re2::RE2::Quiet);
      MILLRACE_ASSERT(pattern->ok());
    }
    namespaces_.push_back({std::move(name), std::move(options), std::move(pattern)});
  }
}

std::variant<model::ReplyError, const ChannelOptions*> Namespaces::resolve(
    std::string_view channel) const {
  if (channel.empty() || channel.size() > grammar_.max_length) return model::errors::kBadRequest;
  std::string_view rest;
  const Namespace* const found = find(channel, rest);
  if (found == nullptr) return model::errors::kUnknownChannel;
  if (!valid_name(*found, channel, rest)) return model::errors::kBadRequest;
  return &found->options;
}

const ChannelOptions& Namespaces::options_of(std::string_view channel) const {
  std::string_view rest;
  const Namespace* const found = find(channel, rest);
  MILLRACE_ASSERT(found != nullptr);
  return found->options;
}

// `rest` is what stands behind the namespace. Null for an unknown one.
const Namespaces::Namespace* Namespaces::find(std::string_view channel,
                                              std::string_view& rest) const {
  rest = channel;
  if (is_private(rest)) rest.remove_prefix(grammar_.private_prefix.size());
  std::string_view name;
  if (!grammar_.namespace_boundary.empty()) {
    const size_t boundary = rest.find(grammar_.namespace_boundary);
    if (boundary != std::string_view::npos) {
      name = rest.substr(0, boundary);
      rest.remove_prefix(boundary + grammar_.namespace_boundary.size());
      if (name.empty()) return nullptr;
    }
  }
  const auto found = std::ranges::find(namespaces_, name, &Namespace::name);
  return found == namespaces_.end() ? nullptr : &*found;
}

bool Namespaces::valid_name(const Namespace& in, std::string_view channel,
                            std::string_view rest) const {
  if (in.pattern == nullptr) return is_ascii(channel);
  return re2::RE2::PartialMatch(re2::StringPiece(rest.data(), rest.size()), *in.pattern);
}

bool Namespaces::is_private(std::string_view channel) const {
  return !grammar_.private_prefix.empty() && channel.starts_with(grammar_.private_prefix);
}

std::optional<bool> Namespaces::allows_user(std::string_view channel, std::string_view user) const {
  if (grammar_.user_boundary.empty()) return std::nullopt;
  const size_t boundary = channel.rfind(grammar_.user_boundary);
  if (boundary == std::string_view::npos) return std::nullopt;
  std::string_view users = channel.substr(boundary + grammar_.user_boundary.size());
  if (user.empty()) return false;
  if (grammar_.user_separator.empty()) return users == user;
  for (;;) {
    const size_t separator = users.find(grammar_.user_separator);
    if (users.substr(0, separator) == user) return true;
    if (separator == std::string_view::npos) return false;
    users.remove_prefix(separator + grammar_.user_separator.size());
  }
}

}  // namespace millrace::hub
