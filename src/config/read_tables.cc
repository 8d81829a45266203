// From a list of tables in a document to the rows that a key's member is made of. Mistakes are told
// where they were made, which one message for the whole list could not.
#include <algorithm>

#include "config/draft.h"
#include "config/suggest.h"

namespace millrace::config {
namespace {

constexpr size_t kRowsMax = 1000;

Cell empty_cell(Type type) {
  if (type == Type::kBoolean) return false;
  if (type == Type::kInteger) return int64_t{0};
  return std::string();
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// One table: its members, those of the tables within it too, into the cells of a row.
class RowReader {
 public:
  RowReader(Draft& draft, std::span<const Column> columns, std::string where)
      : draft_(draft), columns_(columns), where_(std::move(where)) {
    for (const Column& column : columns) row_.emplace_back(column.path, empty_cell(column.type));
    places_.resize(columns.size());
    given_.resize(columns.size());
  }

  // False: there was a mistake, and it was told.
  bool read(const Value& element) {
    if (element.table() == nullptr) {
      tell(element.place, "", "expects a table, got " + std::string(kind_name(element)));
      return false;
    }
    read_members("", *element.table());
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].is_required && !given_[i])
        tell(element.place, "", "needs " + std::string(columns_[i].path));
    }
    return good_;
  }

  const Row& row() const { return row_; }
  const Place& place_of(size_t column) const { return places_[column]; }

 private:
  void read_members(const std::string& group, const Table& members) {
    for (const Member& member : members) {
      const std::string path = group + member.name;
      const auto column = std::ranges::find(columns_, path, &Column::path);
      if (column != columns_.end()) {
        read_cell(static_cast<size_t>(column - columns_.begin()), member.value);
      } else if (!is_group(path + ".")) {
        tell(member.place, path, "unknown key" + did_you_mean(path, names(), "._"));
      } else if (member.value.table() == nullptr) {
        tell(member.value.place, path,
             "expects a table, got " + std::string(kind_name(member.value)));
      } else {
        read_members(path + ".", *member.value.table());
      }
    }
  }

  void read_cell(size_t index, const Value& value) {
    const Column& column = columns_[index];
    Key<Config> scalar;
    scalar.type = column.type;
    if (column.type == Type::kInteger) scalar.range(column.min, column.max);
    given_[index] = true;
    places_[index] = value.place;
    const std::expected<Setting, std::string> setting = read_setting(scalar, value);
    if (!setting) return tell(value.place, column.path, setting.error());
    if (const auto* text = std::get_if<std::string>(&*setting)) {
      if (static_cast<int64_t>(text->size()) > column.max)
        return tell(value.place, column.path,
                    "must not be longer than " + std::to_string(column.max) + " bytes");
      if (column.is_ascii && !printable(*text))
        return tell(value.place, column.path, "must be printable ASCII");
      row_[index].second = *text;
    } else if (const auto* number = std::get_if<int64_t>(&*setting)) {
      row_[index].second = *number;
    } else {
      row_[index].second = std::get<bool>(*setting);
    }
  }

  bool is_group(std::string_view prefix) const {
    return std::ranges::any_of(
        columns_, [&](const Column& column) { return column.path.starts_with(prefix); });
  }

  std::vector<std::string> names() const {
    std::vector<std::string> paths;
    for (const Column& column : columns_) paths.emplace_back(column.path);
    return paths;
  }

  void tell(const Place& place, std::string_view path, std::string message) {
    good_ = false;
    draft_.error(place, path.empty() ? where_ : where_ + "." + std::string(path),
                 std::move(message));
  }

  Draft& draft_;
  const std::span<const Column> columns_;
  const std::string where_;
  Row row_;
  std::vector<Place> places_;  // of the cells
  std::vector<bool> given_;
  bool good_ = true;
};

// {a = "b"} where each table of the list is a key and its value: short for [{key = "a", value =
// "b"}].
Value written_out(const Value& value) {
  Array list;
  for (const Member& member : *value.table()) {
    Value key;
    key.data = member.name;
    key.place = member.place;
    Value element;
    element.place = member.place;
    element.data =
        Table{{"key", member.place, std::move(key)}, {"value", member.place, member.value}};
    list.push_back(std::move(element));
  }
  Value result;
  result.place = value.place;
  result.data = std::move(list);
  return result;
}

bool is_map(std::span<const Column> columns) {
  return columns.size() == 2 && columns[0].path == "key" && columns[1].path == "value";
}

// The list itself, out of JSON if it is text from outside the document; null if it is none, and
// that was told.
const Array* list_of(Draft& draft, std::span<const Column> columns, const std::string& full_key,
                     const Value& value, std::expected<Value, Problem>& json) {
  const Value* list = &value;
  if (const std::string* text = value.string(); text != nullptr && value.untyped) {
    json = parse_json_value(text->empty() ? "[]" : *text, value.place.source);
    if (!json) {
      draft.error(value.place, full_key, "is not valid JSON: " + json.error().message);
      return nullptr;
    }
    list = &*json;
  }
  if (is_map(columns) && list->table() != nullptr) {
    json = written_out(*list);
    list = &*json;
  }
  if (list->array() == nullptr) {
    draft.error(value.place, full_key,
                "expects a list of tables, got " + std::string(kind_name(*list)));
  } else if (list->array()->size() > kRowsMax) {
    draft.error(value.place, full_key, "has more than " + std::to_string(kRowsMax) + " tables");
    return nullptr;
  }
  return list->array();
}

}  // namespace

std::optional<std::vector<Row>> read_tables(Draft& draft, std::span<const Column> columns,
                                            const std::string& full_key, const Value& value) {
  std::expected<Value, Problem> json;
  const Array* const list = list_of(draft, columns, full_key, value, json);
  if (list == nullptr) return std::nullopt;
  std::vector<Row> rows;
  bool good = true;
  for (size_t i = 0; i < list->size(); ++i) {
    const Value& element = (*list)[i];
    const std::string where = full_key + "[" + std::to_string(i) + "]";
    draft.places[where] = element.place;
    RowReader reader(draft, columns, where);
    if (!reader.read(element)) {
      good = false;
      continue;
    }
    for (size_t column = 0; column < columns.size(); ++column) {
      const Cell& cell = reader.row()[column].second;
      const bool again =
          columns[column].is_unique &&
          std::ranges::any_of(rows, [&](const Row& row) { return row[column].second == cell; });
      if (!again) continue;
      good = false;
      draft.error(reader.place_of(column), where + "." + std::string(columns[column].path),
                  "there is another table with the same");
    }
    rows.push_back(reader.row());
  }
  if (!good) return std::nullopt;
  return rows;
}

}  // namespace millrace::config
