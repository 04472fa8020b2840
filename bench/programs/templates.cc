/* SPDX-License-Identifier: MIT */
/* Work for a C++ compiler: containers, algorithms and variants, several times instantiated. */
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Tagged {
    std::string name;
    std::vector<int> values;
    bool operator<(const Tagged &other) const
    {
        return std::tie(name, values) < std::tie(other.name, other.values);
    }
};

template <int N> std::string report(const std::vector<std::string> &words)
{
    std::map<std::string, Tagged<N>> by_name;
    std::set<Tagged<N>> ordered;
    std::unordered_map<std::string, std::shared_ptr<Tagged<N>>> shared;
    for (const std::string &word : words) {
        Tagged<N> &tagged = by_name[word];
        tagged.name = word;
        tagged.values.push_back(static_cast<int>(word.size()) + N);
        ordered.insert(tagged);
        shared[word] = std::make_shared<Tagged<N>>(tagged);
    }
    std::vector<std::variant<int, std::string, Tagged<N>>> mixed;
    for (const auto &[name, tagged] : by_name) {
        mixed.emplace_back(N);
        mixed.emplace_back(name);
        mixed.emplace_back(tagged);
    }
    std::ostringstream out;
    for (const auto &each : mixed)
        std::visit(
            [&](const auto &value) {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Tagged<N>>)
                    out << std::accumulate(value.values.begin(), value.values.end(), N);
                else
                    out << value;
            },
            each);
    std::function<bool(const Tagged<N> &)> chosen = [&](const Tagged<N> &t) {
        return t.values.size() > N;
    };
    out << std::count_if(ordered.begin(), ordered.end(), chosen) << shared.size();
    return out.str();
}

template <int... Ns>
std::string all(const std::vector<std::string> &words, std::integer_sequence<int, Ns...>)
{
    return (report<Ns>(words) + ...);
}

int main(int argc, char **argv)
{
    std::vector<std::string> words(argv, argv + argc);
    std::string text = all(words, std::make_integer_sequence<int, 3>());
    return text.empty();
}
