#include "auth/demands.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace millrace::auth {
namespace {

constexpr int64_t kPatternBytesMax = 1L << 20;  // that RE2 may use for one

base::Result<std::unique_ptr<re2::RE2>> compile(const char* option, const std::string& pattern) {
  if (pattern.empty()) return nullptr;
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kPatternBytesMax);
  auto compiled = std::make_unique<re2::RE2>(pattern, options);
  if (!compiled->ok())
    return base::fail(base::ErrorCode::kInvalid,
                      std::string(option) + ": is not a regular expression: " + compiled->error());
  return compiled;
}

// Adds the named groups' values to `variables`.
bool match(const re2::RE2& pattern, const std::string& text, Variables& variables) {
  const int groups = pattern.NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> found(static_cast<size_t>(groups));
  if (!pattern.Match(text, 0, text.size(), re2::RE2::UNANCHORED, found.data(), groups))
    return false;
  for (const auto& [name, index] : pattern.NamedCapturingGroups())
    variables[name] = std::string(found[static_cast<size_t>(index)]);
  return true;
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

// A value that stays within its place in a URL.
bool harmless(std::string_view value) {
  return !value.empty() && value != "." && value != ".." && std::ranges::all_of(value, unreserved);
}

}  // namespace

base::Result<Demands> Demands::of(const Options& options) {
  Demands demands;
  demands.audience_ = options.audience;
  demands.issuer_ = options.issuer;
  auto audience = compile("audience_regex", options.audience_regex);
  if (!audience) return base::fail(audience);
  auto issuer = compile("issuer_regex", options.issuer_regex);
  if (!issuer) return base::fail(issuer);
  demands.audience_pattern_ = std::move(*audience);
  demands.issuer_pattern_ = std::move(*issuer);
  return demands;
}

std::optional<Variables> Demands::judge(const Claims& claims) const {
  Variables variables;
  if (!issuer_.empty() && claims.issuer != issuer_) return std::nullopt;
  if (issuer_pattern_ && !match(*issuer_pattern_, claims.issuer, variables)) return std::nullopt;
  const auto& audiences = claims.audiences;
  if (!audience_.empty() && std::ranges::find(audiences, audience_) == audiences.end())
    return std::nullopt;
  if (audience_pattern_ && std::ranges::none_of(audiences, [&](const std::string& audience) {
        return match(*audience_pattern_, audience, variables);
      }))
    return std::nullopt;
  return variables;
}

bool Demands::has_group(const std::string& name) const {
  const auto has = [&](const std::unique_ptr<re2::RE2>& pattern) {
    return pattern && pattern->NamedCapturingGroups().contains(name);
  };
  return has(audience_pattern_) || has(issuer_pattern_);
}

base::Result<UrlTemplate> UrlTemplate::parse(const std::string& text, const Demands& demands) {
  const auto wrong = [](std::string why) {
    return base::fail(base::ErrorCode::kInvalid, std::move(why));
  };
  if (!text.starts_with("http://") && !text.starts_with("https://"))
    return wrong("is not an http:// or https:// URL");
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; }))
    return wrong("holds characters that a URL has not");
  UrlTemplate result;
  size_t at = text.find("{{");
  result.head_ = text.substr(0, at);
  while (at != std::string::npos) {
    const size_t end = text.find("}}", at);
    if (end == std::string::npos) return wrong("has {{ without }}");
    const std::string name = text.substr(at + 2, end - at - 2);
    if (!demands.has_group(name))
      return wrong("has {{" + name + "}}, which is no group of issuer_regex or audience_regex");
    at = text.find("{{", end);
    const size_t length = at == std::string::npos ? at : at - end - 2;
    result.parts_.push_back({.name = name, .text = text.substr(end + 2, length)});
  }
  return result;
}

std::optional<std::string> UrlTemplate::fill(const Variables& variables) const {
  std::string url = head_;
  for (const Part& part : parts_) {
    const auto found = variables.find(part.name);
    if (found == variables.end() || !harmless(found->second)) return std::nullopt;
    url += found->second + part.text;
  }
  return url;
}

}  // namespace millrace::auth
