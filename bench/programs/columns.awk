# SPDX-License-Identifier: MIT
# An awk program of associative arrays and string building; reads text.
{
    for (i = 1; i <= NF; i++) {
        count[$i]++
        place[$i] = place[$i] (length(place[$i]) < 200 ? "," NR : "")
        pair[$i, i]++
    }
    line[NR] = toupper(substr($0, 1, 60))
}
END {
    for (word in count) { words++; total += count[word]; places += length(place[word]) }
    for (key in pair) pairs++
    for (i = NR; i > 0; i--) { n = split(line[i], part, " "); parts += n; text = part[1] text
        if (length(text) > 5000) { size += length(text); text = "" } }
    print words, total, places, pairs, parts, size
}
