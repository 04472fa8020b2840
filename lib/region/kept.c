/* SPDX-License-Identifier: MIT */
/* kept.c: best fit among the words by a look at all that are in use; both neighbours by what
 * the page map says of the granules before and behind. All that is read before an exchange is a guess that the exchange confirms.
 * Two neighbours that are put by at the same moment may stay apart. */
#include "region/kept.h"

#include "os/process.h"
#include "region/allowance.h"
#include "region/page_map.h"

#define LOOK_BYTES ((size_t)64 << 20) /* a look at the clock costs more than a span */

static uint64_t run_of(size_t index, size_t granules)
{
    return granules == 0 ? 0 : (uint64_t)granules << 32 | index;
}

static uint32_t end_of(uint64_t run)
{
    return kept_index(run) + (uint32_t)kept_length(run);
}

/* acquire and release: who takes a run sees what was done by those that put its parts by */
static bool exchange(struct kept *kept, unsigned word, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(&kept->runs[word], &from, to,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* ---- hints ------------------------------------------------------------------------------------ */

static unsigned hint(const _Atomic uint32_t *hint)
{
    return atomic_load_explicit(hint, memory_order_relaxed);
}

static void set_hint(_Atomic uint32_t *hint, unsigned n)
{
    atomic_store_explicit(hint, n, memory_order_relaxed);
}

static size_t size(const _Atomic size_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set(_Atomic size_t *counter, size_t n)
{
    atomic_store_explicit(counter, n, memory_order_relaxed);
}

static void note_empty(struct kept *kept, unsigned word)
{
    set_hint(&kept->empty, word);
    if (word + 1 != hint(&kept->used))
        return;
    while (word != 0 && kept_run(kept, word - 1) == 0)
        word--;
    set_hint(&kept->used, word);
}

/* The run's ends lead to its word. */
static void point_to(unsigned word, uint64_t run)
{
    kept_word_set(kept_index(run), word);
    kept_word_set(end_of(run) - 1, word);
}

size_t kept_recount(struct kept *kept)
{
    size_t sum = 0;
    unsigned used = 0;
    for (unsigned i = 0; i < KEPT_RUNS; i++) {
        sum += kept_length(kept_run(kept, i));
        used = kept_run(kept, i) != 0 ? i + 1 : used;
    }
    set(&kept->sum, sum);
    set_hint(&kept->used, used);
    return sum;
}

/* ---- taken ------------------------------------------------------------------------------------ */

/* The shortest run that is long enough, and of these the one with the lowest address; 0: there is none. */
static uint64_t best_fit(const struct kept *kept, size_t granules, unsigned *word)
{
    uint64_t least = run_of(0, granules),
             best = UINT64_MAX - least; /* how much more it is than that */
    for (unsigned i = hint(&kept->used); i-- > 0;) {
        uint64_t more = kept_run(kept, i) - least; /* of shorter ones it wraps around */
        if (more < best) {
            best = more;
            *word = i;
        }
    }
    return best == UINT64_MAX - least ? 0 : best + least;
}

/* False when another thread was faster. */
static inline bool take_front(struct kept *kept, unsigned word, uint64_t run, size_t granules)
{
    uint64_t rest = run_of(kept_index(run) + granules, kept_length(run) - granules);
    if (!exchange(kept, word, run, rest != 0 ? KEPT_BUSY : 0))
        return false;
    if (rest != 0) {
        kept_word_set(kept_index(rest), word);
        /* release, as in exchange */
        atomic_store_explicit(&kept->runs[word], rest, memory_order_release);
    }
    set(&kept->sum, size(&kept->sum) - granules);
    if (rest == 0)
        note_empty(kept, word);
    return true;
}

uint32_t kept_take(struct kept *kept, size_t granules)
{
    unsigned word = 0;
    for (;;) {
        uint64_t run = best_fit(kept, granules, &word);
        if (run == 0)
            return 0;
        if (take_front(kept, word, run, granules))
            return kept_index(run);
    }
}

size_t kept_take_any(struct kept *kept, size_t most, uint32_t *index)
{
    for (unsigned i = 0; i < KEPT_RUNS; i++) {
        uint64_t run = kept_run(kept, i);
        if (kept_length(run) != 0 && kept_length(run) <= most &&
            take_front(kept, i, run, kept_length(run))) {
            *index = kept_index(run);
            return kept_length(run);
        }
    }
    return 0;
}

/* ---- put by ----------------------------------------------------------------------------------- */

/* Where the granule is an end of a run, the run's word; else any number. */
static inline unsigned word_at(size_t granule)
{
    unsigned word = granule_is_ours(granule) ? kept_word_of(granule) : KEPT_RUNS;
    return word < KEPT_RUNS ? word : 0;
}

bool kept_take_at(struct kept *kept, uint32_t index, size_t granules)
{
    unsigned word = word_at(index);
    uint64_t run = kept_run(kept, word);
    return kept_index(run) == index && kept_length(run) >= granules &&
           take_front(kept, word, run, granules);
}

/* Lengthens `run` by the one that follows it, if that is kept. */
static uint64_t join_right(struct kept *kept, uint64_t run)
{
    unsigned word = word_at(end_of(run));
    uint64_t right = kept_run(kept, word);
    if (kept_index(right) != end_of(run) || !exchange(kept, word, right, 0))
        return run;
    note_empty(kept, word);
    return run_of(kept_index(run), kept_length(run) + kept_length(right));
}

/* Lengthens the kept run before `run` by it. False when there is none. */
static bool join_left(struct kept *kept, uint64_t run)
{
    unsigned word = word_at(kept_index(run) - 1);
    uint64_t left = kept_run(kept, word);
    if (left == 0 || end_of(left) != kept_index(run))
        return false;
    kept_word_set(end_of(run) - 1, word);
    return exchange(kept, word, left,
                    run_of(kept_index(left), kept_length(left) + kept_length(run)));
}

static inline bool put_in(struct kept *kept, unsigned word, uint64_t run)
{
    if (kept_run(kept, word) != 0)
        return false;
    point_to(word, run);
    if (!exchange(kept, word, 0, run))
        return false;
    if (word >= hint(&kept->used))
        set_hint(&kept->used, word + 1);
    return true;
}

static bool put_anywhere(struct kept *kept, uint64_t run)
{
    if (likely(put_in(kept, hint(&kept->empty), run)))
        return true;
    for (unsigned i = 0; i < KEPT_RUNS; i++)
        if (put_in(kept, i, run))
            return true;
    return false;
}

uint64_t kept_put(struct kept *kept, uint32_t index, size_t granules)
{
    uint64_t run = join_right(kept, run_of(index, granules));
    if (!join_left(kept, run) && !put_anywhere(kept, run)) {
        set(&kept->sum, size(&kept->sum) - (kept_length(run) - granules));
        return run;
    }
    set(&kept->sum, size(&kept->sum) + granules);
    return 0;
}

void kept_after_fork(struct kept *kept)
{
    for (unsigned i = 0; i < KEPT_RUNS; i++)
        if (kept_run(kept, i) == KEPT_BUSY)
            exchange(kept, i, KEPT_BUSY, 0);
    kept_recount(kept);
}

/* ---- reviewed ---------------------------------------------------------------------------------- */

static NOINLINE bool is_due(struct kept *kept, size_t freed)
{
    uint64_t now = os_milliseconds();
    set(&kept->look_at, freed + LOOK_BYTES);
    kept_recount(kept);
    if (now - atomic_load_explicit(&kept->reviewed, memory_order_relaxed) < allowance_period())
        return false;
    atomic_store_explicit(&kept->reviewed, now, memory_order_relaxed);
    set(&kept->freed, 0);
    set(&kept->look_at, LOOK_BYTES);
    return true;
}

bool kept_count_freed(struct kept *kept, size_t bytes, size_t *freed)
{
    *freed = size(&kept->freed) + bytes;
    set(&kept->freed, *freed);
    return unlikely(*freed >= size(&kept->look_at)) && is_due(kept, *freed);
}

bool kept_is_idle(struct kept *kept)
{
    size_t freed = size(&kept->freed);
    bool idle = freed == size(&kept->seen);
    set(&kept->seen, freed);
    return idle;
}
