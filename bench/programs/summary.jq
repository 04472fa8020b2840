# SPDX-License-Identifier: MIT
# Groups and rearranges an array of records.
def total: map(.price) | add;
{
  towns: (group_by(.town) | map({ town: .[0].town, sales: length, total: (total | floor) })
          | sort_by(-.total) | .[:10]),
  tags: ([.[].tags[]] | group_by(.) | map({ key: .[0], value: length }) | from_entries),
  names: (map(.name | split(" ") | reverse | join(" ")) | unique | length),
  nested: (map({ (.id | tostring): { name, first: .tags[0] } }) | map(to_entries[0].value.first)
           | unique | length)
}
