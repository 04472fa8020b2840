// SPDX-License-Identifier: MIT
// A translation unit that is hard on the compiler's heap: deep and wide template instantiation over
// containers, variants, tuples, regular expressions and number theory done by types.
#include <algorithm>
#include <any>
#include <array>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace
{

// ---- lists of types ----

template <typename... Types> struct list {
    static constexpr std::size_t size = sizeof...(Types);
};

template <typename Left, typename Right> struct joined;
template <typename... Left, typename... Right> struct joined<list<Left...>, list<Right...>> {
    using type = list<Left..., Right...>;
};

template <template <typename> class Keep, typename List> struct filtered;
template <template <typename> class Keep> struct filtered<Keep, list<>> {
    using type = list<>;
};
template <template <typename> class Keep, typename First, typename... Rest>
struct filtered<Keep, list<First, Rest...>> {
    using rest = typename filtered<Keep, list<Rest...>>::type;
    using type =
        std::conditional_t<Keep<First>::value, typename joined<list<First>, rest>::type, rest>;
};

template <int Value> using number = std::integral_constant<int, Value>;

template <typename Indices> struct numbers_of;
template <int... Values> struct numbers_of<std::integer_sequence<int, Values...>> {
    using type = list<number<Values + 2>...>;
};

// Quicksort of a list of numbers by their value modulo a prime: no order to begin with.
template <typename Number> constexpr int key = (Number::value * 7919) % 10007;

template <typename Pivot> struct split_by {
    template <typename Number> struct below : std::bool_constant<(key<Number> < key<Pivot>)> {
    };
    template <typename Number> struct above : std::bool_constant<(key<Number> > key<Pivot>)> {
    };
};

template <typename List> struct sorted {
    using type = list<>;
};
template <typename First, typename... Rest> struct sorted<list<First, Rest...>> {
    using low = typename filtered<split_by<First>::template below, list<Rest...>>::type;
    using high = typename filtered<split_by<First>::template above, list<Rest...>>::type;
    using type = typename joined<typename joined<typename sorted<low>::type, list<First>>::type,
                                 typename sorted<high>::type>::type;
};

// The sieve of Eratosthenes.
template <typename Prime> struct coprime_to {
    template <typename Number> struct test : std::bool_constant<Number::value % Prime::value != 0> {
    };
};
template <typename List> struct primes {
    using type = list<>;
};
template <typename First, typename... Rest> struct primes<list<First, Rest...>> {
    using others = typename filtered<coprime_to<First>::template test, list<Rest...>>::type;
    using type = typename joined<list<First>, typename primes<others>::type>::type;
};

using candidates = numbers_of<std::make_integer_sequence<int, 170>>::type;
using found = primes<candidates>::type;
using arranged = sorted<candidates>::type;

template <typename... Numbers> std::vector<int> values(list<Numbers...>)
{
    return { Numbers::value... };
}

// ---- expressions kept as types ----

namespace expression
{

template <typename Left, typename Right, typename Operation> struct binary {
    Left left;
    Right right;
    double operator()(double x) const
    {
        return Operation()(left(x), right(x));
    }
};
struct variable {
    double operator()(double x) const
    {
        return x;
    }
};
template <int Value> struct constant {
    double operator()(double) const
    {
        return Value;
    }
};
template <typename L, typename R> binary<L, R, std::plus<>> operator+(L left, R right)
{
    return { left, right };
}
template <typename L, typename R> binary<L, R, std::multiplies<>> operator*(L left, R right)
{
    return { left, right };
}

template <int Degree> auto polynomial()
{
    if constexpr (Degree == 0)
        return constant<1>();
    else
        return polynomial<Degree - 1>() * variable() + constant<Degree * Degree % 17>();
}

} // namespace expression

// ---- every container of every kind of element ----

template <int Tag> struct record {
    int id = Tag;
    std::string name = "record " + std::to_string(Tag);
    std::optional<double> weight;
    std::variant<int, std::string, std::vector<int>> detail;

    friend bool operator<(const record &left, const record &right)
    {
        return std::tie(left.id, left.name) < std::tie(right.id, right.name);
    }
    friend bool operator==(const record &left, const record &right)
    {
        return left.id == right.id && left.name == right.name;
    }
};

struct hash {
    template <int Tag> std::size_t operator()(const record<Tag> &of) const
    {
        return std::hash<std::string>()(of.name) * 31 + std::size_t(of.id);
    }
};

template <int Tag> record<Tag> make(int id)
{
    record<Tag> made;
    made.id = id * Tag % 101;
    if (id % 3 == 0)
        made.weight = id / 3.0;
    if (id % 2 == 0)
        made.detail = made.name;
    else
        made.detail = std::vector<int>(std::size_t(id % 7), id);
    return made;
}

template <int Tag> std::size_t describe(const record<Tag> &of)
{
    return std::visit(
        [](const auto &value) -> std::size_t {
            using type = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<type, int>)
                return std::size_t(value);
            else
                return value.size();
        },
        of.detail);
}

template <int Tag> std::size_t exercise(int count)
{
    using element = record<Tag>;
    std::vector<element> row;
    for (int i = 0; i < count; i++)
        row.push_back(make<Tag>(i));
    std::deque<element> queue(row.begin(), row.end());
    std::list<element> chain(row.rbegin(), row.rend());
    std::set<element> ordered(row.begin(), row.end());
    std::unordered_set<element, hash> hashed(row.begin(), row.end());
    std::map<std::string, std::vector<element>> by_name;
    std::unordered_map<int, std::shared_ptr<element>> by_id;
    for (const element &one : row) {
        by_name[one.name].push_back(one);
        by_id.emplace(one.id, std::make_shared<element>(one));
    }
    chain.sort();
    chain.unique();
    std::stable_sort(queue.begin(), queue.end());
    std::sort(row.begin(), row.end(), [](const element &left, const element &right) {
        return std::make_tuple(describe(left), left.id) <
               std::make_tuple(describe(right), right.id);
    });
    std::function<std::size_t(std::size_t, const element &)> add =
        [](std::size_t sum, const element &one) { return sum * 31 + describe(one); };
    return std::accumulate(row.begin(), row.end(), std::size_t(Tag), add) + chain.size() +
           ordered.size() + hashed.size() + by_name.size() + by_id.size() +
           std::accumulate(queue.begin(), queue.end(), std::size_t(0), add);
}

template <int... Tags> std::size_t exercise_all(std::integer_sequence<int, Tags...>, int count)
{
    return (exercise<Tags + 1>(count) ^ ...);
}

// ---- words ----

std::map<std::string, std::size_t> words(const std::string &text)
{
    static const std::regex word("([a-z]+)|([0-9]+(?:\\.[0-9]+)?)", std::regex::icase);
    std::map<std::string, std::size_t> count;
    for (std::sregex_iterator next(text.begin(), text.end(), word), end; next != end; ++next)
        count[next->str()]++;
    return count;
}

} // namespace

int main()
{
    std::ostringstream out;
    for (int prime : values(found()))
        out << prime << ' ';
    for (int number : values(arranged()))
        out << number << ' ';
    out << expression::polynomial<60>()(0.5) << '\n';
    auto later = std::async(std::launch::async,
                            [] { return exercise_all(std::make_integer_sequence<int, 4>(), 200); });
    out << later.get() << '\n';
    for (const auto &[word, count] :
         words(out.str() + " twelve words, 3.14 of them numbers, or words"))
        out << word << '=' << count << ' ';
    std::cout << out.str() << '\n';
}
