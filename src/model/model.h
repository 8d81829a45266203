// The plain nouns that everybody shares: what is published, where it stands in its log, who is who.
//
// Values only: no behaviour, no I/O. They may cross cores, and with a remote broker they cross the
// network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/shared_bytes.h"
#include "model/codes.h"
#include "model/filter_node.h"

namespace millrace::model {

// A publication's number in its channel's log, from 1 in each epoch. 0: the channel keeps no log.
// JavaScript loses precision above 2^53, which a channel reaches after 285 years at a million
// messages a second.
using Offset = base::Named<struct OffsetTag, uint64_t>;

// A place in a channel's log. The epoch names one incarnation of the log: offsets of different
// epochs don't compare.
struct Position {
  std::string epoch;
  Offset offset;
  friend bool operator==(const Position&, const Position&) = default;
};

// Who published, joined or is present. Empty `user`: anonymous.
struct ClientInfo {
  std::string user;
  std::string client;
  base::SharedBytes conn_info;
  base::SharedBytes chan_info;
};

using Tags = std::vector<std::pair<std::string, std::string>>;

// One message of a channel.
struct Publication {
  Offset offset{};
  base::SharedBytes data{};
  // Set when a client published; null for the server API. Shared because one publication is held by
  // log and outboxes.
  std::shared_ptr<const ClientInfo> info{};
  Tags tags{};
  // `data` is one JSON value without raw line breaks, so that it can stand in a JSON frame as it
  // is. Other payloads are for binary connections only.
  bool is_json = true;
  // When this node heard of it. Not part of the message: it never leaves the node.
  base::MonotonicTime received{};
};

}  // namespace millrace::model
