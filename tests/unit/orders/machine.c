/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* ---- memory -------------------------------------------------------------------------------- */

enum { STEPS = 40, VALUES = PLACES + (THREADS_MOST + 1) * STEPS, STACK = 64 * 1024 };

_Static_assert(VALUES < 256, "a value's number is a byte");

/* For each place, the newest value that is known of, by number; for each thread, how many of its
 * plain accesses came before. */
struct view {
    uint8_t at[PLACES];
    uint8_t plain[THREADS_MOST + 1];
};

struct plain {
    long value;
    uint8_t writer, written;        /* the last write: by whom, and which of its accesses */
    uint8_t read[THREADS_MOST + 1]; /* each thread's last read */
};

/* Numbers do not depend on the order of steps: first each place's 0, then by thread and step. */
struct value {
    long value;
    struct view seen; /* by whoever reads it with acquire */
    uint8_t rank;     /* in the order of its place */
    bool followed;    /* an exchange read it: nothing may come between the two */
};

struct thread {
    ucontext_t context;
    struct view seen, pending, fenced; /* pending: of relaxed loads; fenced: at the last fence */
    uint64_t history;                  /* of what its steps came out as: stands for its state */
    unsigned steps;
    bool ended;
    struct request {
        enum { LOAD, STORE, EXCHANGE, COMPARE, AWAIT, FENCE, PLAIN } what;
        unsigned place, whom;
        enum order order;
        long value, *expected, result;
        bool success;
    } request;
};

static struct {
    struct value values[VALUES];
    uint8_t lists[PLACES][VALUES];
    uint8_t lengths[PLACES];
    struct view fences; /* what all fences so far have seen */
    struct plain plain[PLACES];
    struct thread threads[THREADS_MOST + 1]; /* the last one: afterwards */
    ucontext_t scheduler;
    unsigned running, count;
    const char *failure;
} m;

static char stacks[THREADS_MOST + 1][STACK];

static uint8_t newer(uint8_t a, uint8_t b)
{
    return m.values[a].rank > m.values[b].rank ? a : b;
}

static void join(struct view *view, const struct view *other)
{
    for (unsigned place = 0; place < PLACES; place++)
        view->at[place] = newer(view->at[place], other->at[place]);
    for (unsigned t = 0; t <= THREADS_MOST; t++)
        if (other->plain[t] > view->plain[t])
            view->plain[t] = other->plain[t];
}

static void insert(unsigned place, unsigned rank, uint8_t number)
{
    uint8_t *list = m.lists[place];
    memmove(list + rank + 1, list + rank, (size_t)m.lengths[place]++ - rank);
    list[rank] = number;
    for (unsigned i = rank; i < m.lengths[place]; i++)
        m.values[list[i]].rank = (uint8_t)i;
}

/* ---- choices ------------------------------------------------------------------------------- */

enum { CHOICES = 4096, STATES = 1 << 21 };

static struct {
    uint8_t taken[CHOICES], of[CHOICES];
    unsigned length, at;
    uint64_t seen[STATES]; /* by hash; 0: none */
    size_t states, runs;
} search;

static unsigned choose(unsigned n)
{
    if (n == 1)
        return 0;
    if (search.at == search.length) {
        if (n == 0 || n > 255 || search.length == CHOICES)
            abort();
        search.taken[search.length] = 0;
        search.of[search.length++] = (uint8_t)n;
    }
    return search.taken[search.at++];
}

/* To the next run that has not been; false when there is none. */
static bool next_run(void)
{
    while (search.length > 0 && search.taken[search.length - 1] + 1 == search.of[search.length - 1])
        search.length--;
    if (search.length == 0)
        return false;
    search.taken[search.length - 1]++;
    return true;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ (word + 1)) * 0x9e3779b97f4a7c15U;
    return hash ^ (hash >> 29);
}

static uint64_t mix_view(uint64_t hash, const struct view *view)
{
    for (unsigned place = 0; place < PLACES; place++)
        hash = mix(hash, view->at[place]);
    for (unsigned t = 0; t <= THREADS_MOST; t++)
        hash = mix(hash, view->plain[t]);
    return hash;
}

static uint64_t mix_plain(uint64_t hash, const struct plain *plain)
{
    hash = mix(hash, (uint64_t)plain->value);
    hash = mix(hash, plain->writer * 256U + plain->written);
    for (unsigned t = 0; t <= THREADS_MOST; t++)
        hash = mix(hash, plain->read[t]);
    return hash;
}

static uint64_t hash_state(void)
{
    uint64_t hash = mix_view(1, &m.fences);
    for (unsigned t = 0; t < m.count; t++) {
        const struct thread *thread = &m.threads[t];
        hash = mix(mix(hash, thread->history), thread->steps);
        hash = mix_view(hash, &thread->seen);
        hash = mix_view(mix_view(hash, &thread->pending), &thread->fenced);
    }
    for (unsigned place = 0; place < PLACES; place++)
        for (unsigned i = 0; i < m.lengths[place]; i++) {
            const struct value *value = &m.values[m.lists[place][i]];
            hash = mix(mix(hash, m.lists[place][i]), (uint64_t)value->value * 2 + value->followed);
            hash = mix_view(hash, &value->seen);
        }
    for (unsigned place = 0; place < PLACES; place++)
        hash = mix_plain(hash, &m.plain[place]);
    return hash | 1;
}

/* False when the search has been here before. */
static bool is_new_state(void)
{
    uint64_t hash = hash_state();
    size_t i = hash / 2 % STATES;
    while (search.seen[i] != 0 && search.seen[i] != hash)
        i = (i + 1) % STATES;
    if (search.seen[i] == hash)
        return false;
    search.seen[i] = hash;
    if (++search.states > STATES / 2)
        abort();
    return true;
}

/* ---- steps --------------------------------------------------------------------------------- */

static unsigned rank_seen(const struct thread *thread, unsigned place)
{
    return m.values[thread->seen.at[place]].rank;
}

/* Whether the step may read that value. */
static bool may_read(const struct request *request, const struct value *value)
{
    switch (request->what) {
    case AWAIT:
        return value->value == request->value;
    case EXCHANGE:
        return !value->followed;
    case COMPARE:
        return value->value != *request->expected || !value->followed;
    default:
        return true;
    }
}

static unsigned readable(const struct thread *thread, uint8_t *numbers)
{
    unsigned count = 0, place = thread->request.place;
    for (unsigned i = rank_seen(thread, place); i < m.lengths[place]; i++)
        if (may_read(&thread->request, &m.values[m.lists[place][i]]))
            numbers[count++] = m.lists[place][i];
    return count;
}

static bool is_enabled(const struct thread *thread)
{
    uint8_t numbers[VALUES];
    if (thread->ended)
        return false;
    if (thread->request.what == STORE || thread->request.what >= FENCE)
        return true;
    return readable(thread, numbers) > 0;
}

static bool acquires(enum order order)
{
    return order == ACQUIRE || order == ACQ_REL;
}

static bool releases(enum order order)
{
    return order == RELEASE || order == ACQ_REL;
}

static void see(struct thread *thread, uint8_t number)
{
    const struct value *value = &m.values[number];
    thread->seen.at[thread->request.place] = newer(thread->seen.at[thread->request.place], number);
    join(&thread->pending, &value->seen);
    if (acquires(thread->request.order))
        join(&thread->seen, &value->seen);
    thread->request.result = value->value;
}

/* A new value right behind the one of that rank. `read`: by an exchange, of that value. */
static void write_behind(struct thread *thread, unsigned rank, long word, bool read)
{
    unsigned place = thread->request.place;
    uint8_t before = m.lists[place][rank];
    uint8_t number = (uint8_t)(PLACES + (unsigned)(thread - m.threads) * STEPS + thread->steps);
    struct value *value = &m.values[number];
    *value = (struct value){ .value = word };
    insert(place, rank + 1, number);
    thread->seen.at[place] = number;
    value->seen = releases(thread->request.order) ? thread->seen : thread->fenced;
    value->seen.at[place] = number;
    if (read) {
        m.values[before].followed = true;
        join(&value->seen, &m.values[before].seen);
    }
}

static void step_store(struct thread *thread)
{
    uint8_t ranks[VALUES];
    unsigned count = 0, place = thread->request.place;
    for (unsigned i = rank_seen(thread, place); i < m.lengths[place]; i++)
        if (!m.values[m.lists[place][i]].followed)
            ranks[count++] = (uint8_t)i;
    write_behind(thread, ranks[choose(count)], thread->request.value, false);
}

static void step_read(struct thread *thread)
{
    struct request *request = &thread->request;
    uint8_t numbers[VALUES];
    uint8_t number = numbers[choose(readable(thread, numbers))];
    request->success = request->what == COMPARE && m.values[number].value == *request->expected;
    if (request->what == COMPARE && !request->success)
        request->order = RELAXED;
    see(thread, number);
    if (request->what == EXCHANGE || request->success)
        write_behind(thread, m.values[number].rank, request->value, true);
    if (request->what == COMPARE)
        *request->expected = request->result;
}

static void step_fence(struct thread *thread)
{
    join(&thread->seen, &thread->pending);
    join(&thread->seen, &m.fences);
    m.fences = thread->seen;
    thread->fenced = thread->seen;
}

static void step(struct thread *thread)
{
    struct request *request = &thread->request;
    if (request->what == STORE)
        step_store(thread);
    else if (request->what == FENCE)
        step_fence(&m.threads[request->whom]);
    else if (request->what != PLAIN)
        step_read(thread);
    if (++thread->steps >= STEPS)
        abort();
    thread->history = mix(mix(thread->history, (uint64_t)request->result), request->success);
}

/* ---- threads ------------------------------------------------------------------------------- */

static struct request ask(struct request request)
{
    struct thread *self = &m.threads[m.running];
    self->request = request;
    swapcontext(&self->context, &m.scheduler);
    return self->request;
}

static void fail_run(const char *what)
{
    if (m.failure == NULL)
        m.failure = what;
}

long load(unsigned place, enum order order)
{
    return ask((struct request){ .what = LOAD, .place = place, .order = order }).result;
}

void store(unsigned place, long value, enum order order)
{
    ask((struct request){ .what = STORE, .place = place, .order = order, .value = value });
}

long exchange(unsigned place, long value, enum order order)
{
    return ask((struct request){ .what = EXCHANGE, .place = place, .order = order, .value = value })
        .result;
}

bool compare_exchange(unsigned place, long *expected, long value, enum order order)
{
    return ask((struct request){ .what = COMPARE,
                                 .place = place,
                                 .order = order,
                                 .value = value,
                                 .expected = expected })
        .success;
}

void await(unsigned place, long value, enum order order)
{
    ask((struct request){ .what = AWAIT, .place = place, .order = order, .value = value });
}

bool try_lock(unsigned place)
{
    long is_free = 0;
    return compare_exchange(place, &is_free, 1, ACQUIRE);
}

void lock(unsigned place)
{
    while (!try_lock(place))
        await(place, 0, RELAXED);
}

void unlock(unsigned place)
{
    store(place, 0, RELEASE);
}

void barrier_all(void)
{
    unsigned self = m.running;
    ask((struct request){ .what = FENCE, .whom = self });
    for (unsigned whom = 0; whom < m.count; whom++)
        ask((struct request){ .what = FENCE, .whom = whom });
    ask((struct request){ .what = FENCE, .whom = self });
}

/* Whether the last write is known to have come before. Which of two accesses really comes first
 * does not matter: if they are not ordered, that is seen in both orders. */
static bool is_ordered(const struct plain *plain)
{
    return m.threads[m.running].seen.plain[plain->writer] >= plain->written;
}

long plain_read(unsigned place)
{
    struct plain *plain = &m.plain[place];
    ask((struct request){ .what = PLAIN }); /* a barrier may come in between */
    if (!is_ordered(plain))
        fail_run("a plain read races with a write");
    plain->read[m.running] = ++m.threads[m.running].seen.plain[m.running];
    return plain->value;
}

void plain_write(unsigned place, long value)
{
    struct plain *plain = &m.plain[place];
    struct view *seen = &m.threads[m.running].seen;
    ask((struct request){ .what = PLAIN });
    if (!is_ordered(plain))
        fail_run("a plain write races with a write");
    for (unsigned t = 0; t <= THREADS_MOST; t++)
        if (t != m.running && seen->plain[t] < plain->read[t])
            fail_run("a plain write races with a read");
    plain->writer = (uint8_t)m.running;
    plain->written = ++seen->plain[m.running];
    plain->value = value;
}

void expect(bool condition, const char *what)
{
    if (!condition)
        fail_run(what);
}

/* ---- runs ---------------------------------------------------------------------------------- */

static void (*bodies[THREADS_MOST + 1])(void);

static void thread_main(void)
{
    bodies[m.running]();
    m.threads[m.running].ended = true;
    swapcontext(&m.threads[m.running].context, &m.scheduler);
}

/* Up to the thread's next step, which it asks for, or its end. */
static void resume(unsigned number)
{
    m.running = number;
    swapcontext(&m.scheduler, &m.threads[number].context);
}

static void start_thread(unsigned number)
{
    struct thread *thread = &m.threads[number];
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = stacks[number];
    thread->context.uc_stack.ss_size = STACK;
    makecontext(&thread->context, thread_main, 0);
    resume(number);
}

static void start_memory(void)
{
    memset(&m, 0, sizeof m);
    for (unsigned place = 0; place < PLACES; place++) {
        m.lists[place][0] = (uint8_t)place;
        m.lengths[place] = 1;
        for (unsigned t = 0; t <= THREADS_MOST; t++)
            m.threads[t].seen.at[place] = m.threads[t].pending.at[place] =
                m.threads[t].fenced.at[place] = (uint8_t)place;
        m.fences.at[place] = (uint8_t)place;
    }
    for (unsigned place = 0; place < PLACES; place++)
        m.values[place].seen = m.fences;
}

static unsigned enabled(unsigned *numbers)
{
    unsigned count = 0;
    for (unsigned t = 0; t < m.count; t++)
        if (is_enabled(&m.threads[t]))
            numbers[count++] = t;
    return count;
}

static bool all_ended(void)
{
    for (unsigned t = 0; t < m.count; t++)
        if (!m.threads[t].ended)
            return false;
    return true;
}

/* False when the run led to where another has been. */
static bool run_threads(void)
{
    unsigned numbers[THREADS_MOST], count;
    for (unsigned t = 0; t < m.count; t++)
        start_thread(t);
    while (m.failure == NULL && (count = enabled(numbers)) > 0) {
        if (search.at == search.length && !is_new_state())
            return false;
        unsigned t = numbers[choose(count)];
        step(&m.threads[t]);
        resume(t);
    }
    expect(all_ended(), "the threads wait for each other");
    return true;
}

/* Who looks last has seen all that the threads have. */
static void run_afterwards(void)
{
    struct thread *last = &m.threads[THREADS_MOST];
    for (unsigned t = 0; t < m.count; t++)
        join(&last->seen, &m.threads[t].seen);
    start_thread(THREADS_MOST);
    while (m.failure == NULL && !last->ended) {
        if (!is_enabled(last)) {
            fail_run("the last look waits for ever");
            return;
        }
        step(last);
        resume(THREADS_MOST);
    }
}

struct outcome run_in_every_way(const struct program *program)
{
    memset(&search, 0, sizeof search);
    memset(bodies, 0, sizeof bodies);
    memcpy(bodies, program->bodies, sizeof program->bodies);
    bodies[THREADS_MOST] = program->afterwards;
    do {
        start_memory();
        m.count = program->threads;
        search.at = 0;
        search.runs++;
        if (run_threads() && m.failure == NULL && program->afterwards != NULL)
            run_afterwards();
    } while (m.failure == NULL && next_run());
    return (struct outcome){ m.failure, search.runs, search.states };
}
