// Holds schema.h against proto/client.proto: each field that is read or written has the number,
// name and type that the protocol gives it.
#include "protocol/schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace millrace::protocol {
namespace {

// Per message of client.proto: a field's name -> "number type".
using Fields = std::map<std::string, std::string>;

// Reads lines of the forms `message Name {`, `message Name {}` and `  type name = number;`, which
// is all that client.proto has apart from comments, `reserved` and closing braces.
std::map<std::string, Fields> read_proto() {
  std::ifstream file(MILLRACE_CLIENT_PROTO);
  EXPECT_TRUE(file.is_open()) << MILLRACE_CLIENT_PROTO;
  std::map<std::string, Fields> messages;
  std::string message;
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find(" = ");
    if (line.starts_with("message ")) {
      message = line.substr(8, line.find(' ', 8) - 8);
      messages[message];
    } else if (line.starts_with("  ") && equals != std::string::npos) {
      const size_t name = line.rfind(' ', equals - 1) + 1;
      const std::string number = line.substr(equals + 3, line.find(';') - equals - 3);
      const std::string type = line.substr(2, name - 3);
      messages[message][line.substr(name, equals - name)] = number + " " + type;
    }
  }
  return messages;
}

// Whether `type` is the expected one; a `*` in that stands for any message's name.
bool is_type(std::string_view type, std::string_view expected) {
  const size_t star = expected.find('*');
  if (star == std::string_view::npos) return type == expected;
  const std::string_view before = expected.substr(0, star);
  const std::string_view after = expected.substr(star + 1);
  if (type.size() <= before.size() + after.size()) return false;
  if (!type.starts_with(before) || !type.ends_with(after)) return false;
  const std::string_view name =
      type.substr(before.size(), type.size() - before.size() - after.size());
  return name[0] >= 'A' && name[0] <= 'Z' && name.find(' ') == std::string_view::npos;
}

// A visitor that asks of each field whether the protocol has it so.
class Check {
 public:
  explicit Check(const Fields& fields) : fields_(fields) {}

  int checked() const { return checked_; }

  void text(uint32_t number, std::string_view name, std::string_view) {
    expect(number, name, "string");
  }
  void text_always(uint32_t number, std::string_view name, std::string_view) {
    expect(number, name, "string");
  }
  void payload(uint32_t number, std::string_view name, std::string_view,
               Carriage = Carriage::kPlain) {
    expect(number, name, "bytes");
  }
  void quoted(uint32_t number, std::string_view name, std::string_view) {
    expect(number, name, "bytes");
  }
  void boolean(uint32_t number, std::string_view name, bool) { expect(number, name, "bool"); }
  void integer(uint32_t number, std::string_view name, uint32_t) { expect(number, name, "uint32"); }
  void integer(uint32_t number, std::string_view name, uint64_t) { expect(number, name, "uint64"); }
  void integer(uint32_t number, std::string_view name, int32_t) { expect(number, name, "int32"); }
  void integer(uint32_t number, std::string_view name, int64_t) { expect(number, name, "int64"); }
  void integer_always(uint32_t number, std::string_view name, auto value) {
    integer(number, name, value);
  }
  void texts(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "map<string, string>");
  }
  void filter(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "FilterNode");
  }
  void strings(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "repeated string");
  }
  void nodes(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "repeated FilterNode");
  }
  void message(uint32_t number, std::string_view name, const auto&) { expect(number, name, "*"); }
  void optional_message(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "*");
  }
  void messages(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "repeated *");
  }
  void messages_always(uint32_t number, std::string_view name, const auto& values) {
    messages(number, name, values);
  }
  void entries(uint32_t number, std::string_view name, const auto&) {
    expect(number, name, "map<string, *>");
  }
  void entries_always(uint32_t number, std::string_view name, const auto& values) {
    entries(number, name, values);
  }
  template <class Request>
  void body(uint32_t number, std::string_view name, const CommandBody&) {
    expect(number, name, "*");
  }

 private:
  void expect(uint32_t number, std::string_view name, const std::string& type) {
    ++checked_;
    const auto field = fields_.find(std::string(name));
    ASSERT_NE(field, fields_.end()) << name;
    const std::string prefix = std::to_string(number) + " ";
    EXPECT_TRUE(field->second.starts_with(prefix) &&
                is_type(std::string_view(field->second).substr(prefix.size()), type))
        << name << " is " << field->second << ", not " << prefix << type;
  }

  const Fields& fields_;
  int checked_ = 0;
};

template <class Message>
void expect_fields(const std::string& name, Message message, int count) {
  SCOPED_TRACE(name);
  static const std::map<std::string, Fields> proto = read_proto();
  const auto fields = proto.find(name);
  ASSERT_NE(fields, proto.end());
  Check check(fields->second);
  Schema<Message>::fields(check, message);
  EXPECT_EQ(check.checked(), count);
}

TEST(Schema, requests_are_those_of_the_protocol) {
  expect_fields("Command", Command(), 13);
  expect_fields("ConnectRequest", ConnectRequest(), 7);
  expect_fields("SubscribeRequest", SubscribeRequest(), 13);
  expect_fields("FilterNode", model::FilterNode(), 6);
  expect_fields("UnsubscribeRequest", UnsubscribeRequest(), 1);
  expect_fields("PublishRequest", PublishRequest(), 7);
  expect_fields("PresenceRequest", PresenceRequest(), 1);
  expect_fields("PresenceStatsRequest", PresenceStatsRequest(), 1);
  expect_fields("HistoryRequest", HistoryRequest(), 4);
  expect_fields("StreamPosition", StreamPosition(), 2);
  expect_fields("PingRequest", PingRequest(), 0);
  expect_fields("SendRequest", SendRequest(), 1);
  expect_fields("RPCRequest", RpcRequest(), 2);
  expect_fields("RefreshRequest", RefreshRequest(), 1);
  expect_fields("SubRefreshRequest", SubRefreshRequest(), 3);
  expect_fields("EmulationRequest", EmulationRequest(), 3);
  expect_fields("PollRequest", PollRequest(), 4);
}

TEST(Schema, results_are_those_of_the_protocol) {
  expect_fields("Error", model::ReplyError(), 3);
  expect_fields("ConnectResult", ConnectResult(), 11);
  expect_fields("SubscribeResult", SubscribeResult(), 12);
  expect_fields("UnsubscribeResult", UnsubscribeResult(), 0);
  expect_fields("PublishResult", PublishResult(), 2);
  expect_fields("PresenceResult", PresenceResult(), 1);
  expect_fields("PresenceStatsResult", PresenceStatsResult(), 2);
  expect_fields("HistoryResult", HistoryResult(), 3);
  expect_fields("PingResult", PingResult(), 0);
  expect_fields("RPCResult", RpcResult(), 1);
  expect_fields("RefreshResult", RefreshResult(), 4);
  expect_fields("SubRefreshResult", SubRefreshResult(), 2);
}

TEST(Schema, pushes_are_those_of_the_protocol) {
  const model::ClientInfo info;
  const model::Publication publication;
  expect_fields("ClientInfo", info, 4);
  expect_fields("Publication", publication, 5);
  expect_fields("Publication", PublicationPush{publication}, 5);
  expect_fields("Join", JoinPush{info}, 1);
  expect_fields("Leave", LeavePush{info}, 1);
  expect_fields("Unsubscribe", UnsubscribePush(), 2);
  expect_fields("Message", MessagePush(), 1);
  expect_fields("Subscribe", SubscribePush(), 5);
  expect_fields("Disconnect", DisconnectPush(), 3);
  expect_fields("Refresh", RefreshPush(), 2);
  const ConnectResult result;
  expect_fields("Connect", ConnectPush{result}, 10);
}

TEST(Schema, every_reply_and_push_has_its_place_in_the_envelope) {
  const PushBody push_body = MessagePush();
  expect_fields("Push", Push{"c", push_body}, 3);
  expect_fields("Reply", PushReply{{"c", push_body}}, 1);
  const ReplyBody reply_bodies[] = {model::ReplyError(),   ConnectResult(), SubscribeResult(),
                                    UnsubscribeResult(),   PublishResult(), PresenceResult(),
                                    PresenceStatsResult(), HistoryResult(), PingResult(),
                                    RpcResult(),           RefreshResult(), SubRefreshResult()};
  static_assert(std::size(reply_bodies) == std::variant_size_v<ReplyBody>);
  for (const ReplyBody& body : reply_bodies) expect_fields("Reply", Reply{1, body}, 2);
  const model::ClientInfo info;
  const model::Publication publication;
  const ConnectResult result;
  const PushBody push_bodies[] = {PublicationPush{publication},
                                  JoinPush{info},
                                  LeavePush{info},
                                  UnsubscribePush(),
                                  MessagePush(),
                                  DisconnectPush(),
                                  SubscribePush(),
                                  RefreshPush(),
                                  ConnectPush{result}};
  static_assert(std::size(push_bodies) == std::variant_size_v<PushBody>);
  for (const PushBody& body : push_bodies) expect_fields("Push", Push{"c", body}, 3);
}

}  // namespace
}  // namespace millrace::protocol
