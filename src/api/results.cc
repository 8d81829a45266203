#include "api/results.h"

#include <charconv>
#include <concepts>

#include "base/assert.h"
#include "base/base64.h"
#include "base/json_text.h"

namespace millrace::api {
namespace {

// Writes the members of one object.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_.push_back('{'); }
  ~ObjectWriter() { out_.push_back('}'); }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  void text(std::string_view name, std::string_view value) {
    base::append_json_string(key(name), value);
  }
  void raw(std::string_view name, std::string_view json) { key(name) += json; }
  template <std::integral T>
  void number(std::string_view name, T value) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    MILLRACE_DEBUG_ASSERT(error == std::errc());
    key(name).append(digits, end);
  }
  void base64(std::string_view name, std::string_view bytes) {
    key(name).push_back('"');
    base::append_base64(out_, bytes);
    out_.push_back('"');
  }

  // Where the member's value goes.
  std::string& key(std::string_view name) {
    if (!std::exchange(first_, false)) out_.push_back(',');
    base::append_json_string(out_, name);
    out_.push_back(':');
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

// Writes the entries of one array, each with `write(out, entry)`.
void append_array(std::string& out, const auto& entries, auto write) {
  out.push_back('[');
  bool first = true;
  for (const auto& entry : entries) {
    if (!std::exchange(first, false)) out.push_back(',');
    write(out, entry);
  }
  out.push_back(']');
}

void append_client(std::string& out, const model::ClientInfo& info) {
  ObjectWriter writer(out);
  writer.text("user", info.user);
  writer.text("client", info.client);
  if (!info.conn_info.empty()) writer.raw("conn_info", info.conn_info.view());
  if (!info.chan_info.empty()) writer.raw("chan_info", info.chan_info.view());
}

void append_publication(std::string& out, const model::Publication& publication) {
  ObjectWriter writer(out);
  if (publication.is_json) {
    writer.raw("data", publication.data.empty() ? "null" : publication.data.view());
  } else {
    writer.base64("b64data", publication.data.view());
  }
  if (publication.info) append_client(writer.key("info"), *publication.info);
  if (publication.offset.value() != 0) writer.number("offset", publication.offset.value());
  if (publication.tags.empty()) return;
  ObjectWriter tags(writer.key("tags"));
  for (const auto& [name, value] : publication.tags) tags.text(name, value);
}

void append_reply(ObjectWriter& writer, std::string_view name, const Outcome& outcome) {
  if (outcome) {
    writer.raw(name, *outcome);
  } else {
    writer.raw("error", failure_text(outcome.error()));
  }
}

// An object, whose members `fill(writer)` writes.
std::string object_text(auto fill) {
  std::string out;
  {
    ObjectWriter writer(out);
    fill(writer);
  }
  return out;
}

}  // namespace

std::string publish_result(const model::Position& position) {
  return object_text([&](ObjectWriter& writer) {
    if (position.offset.value() != 0) writer.number("offset", position.offset.value());
    if (!position.epoch.empty()) writer.text("epoch", position.epoch);
  });
}

std::string broadcast_result(std::span<const Outcome> outcomes) {
  return object_text([&](ObjectWriter& writer) {
    append_array(writer.key("responses"), outcomes, [](std::string& out, const Outcome& outcome) {
      ObjectWriter response(out);
      append_reply(response, "result", outcome);
    });
  });
}

std::string presence_result(const hub::PresenceAnswer& answer) {
  return object_text([&](ObjectWriter& writer) {
    ObjectWriter members(writer.key("presence"));
    for (const auto& member : answer.members) {
      append_client(members.key(member->client), *member);
    }
  });
}

std::string presence_stats_result(const hub::PresenceStatsAnswer& answer) {
  return object_text([&](ObjectWriter& writer) {
    writer.number("num_clients", answer.clients);
    writer.number("num_users", answer.users);
  });
}

std::string history_result(const hub::HistoryAnswer& answer) {
  return object_text([&](ObjectWriter& writer) {
    append_array(writer.key("publications"), *answer.publications, append_publication);
    writer.text("epoch", answer.top.epoch);
    writer.number("offset", answer.top.offset.value());
  });
}

std::string channels_result(std::span<const std::pair<std::string, size_t>> channels) {
  return object_text([&](ObjectWriter& writer) {
    ObjectWriter list(writer.key("channels"));
    for (const auto& [name, clients] : channels) {
      ObjectWriter(list.key(name)).number("num_clients", clients);
    }
  });
}

std::string info_result(const NodeInfo& node, size_t users) {
  return object_text([&](ObjectWriter& writer) {
    append_array(writer.key("nodes"), std::span(&node, 1), [&](std::string& out, const auto& it) {
      ObjectWriter fields(out);
      fields.text("uid", it.uid);
      fields.text("name", it.name);
      fields.text("version", it.version);
      fields.number("num_clients", it.num_clients);
      fields.number("num_users", users);
      fields.number("num_channels", it.num_channels);
      fields.number("num_subs", it.num_subs);
      fields.number("uptime", it.uptime);
    });
  });
}

std::string failure_text(const Failure& failure) {
  return object_text([&](ObjectWriter& writer) {
    writer.number("code", failure.code);
    writer.text("message", failure.message);
  });
}

std::string reply_text(const Outcome& outcome, std::optional<int64_t> id) {
  return object_text([&](ObjectWriter& writer) {
    if (id) writer.number("id", *id);
    append_reply(writer, "result", outcome);
  });
}

std::string replies_text(std::span<const std::string_view> names,
                         std::span<const Outcome> outcomes) {
  MILLRACE_ASSERT(names.size() == outcomes.size());
  return object_text([&](ObjectWriter& writer) {
    size_t at = 0;
    append_array(writer.key("replies"), outcomes, [&](std::string& out, const Outcome& outcome) {
      ObjectWriter reply(out);
      append_reply(reply, names[at++], outcome);
    });
  });
}

}  // namespace millrace::api
