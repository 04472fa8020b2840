/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <ctype.h>
#include <string.h>

#include "face.h"

struct word {
    struct word *next;
    char *text;
    size_t count;
};

struct words {
    struct word **lists;
    size_t size, different;
};

static size_t hash(const char *word)
{
    size_t sum = 5381;
    for (; *word != '\0'; word++)
        sum = sum * 33 + (unsigned char)*word;
    return sum;
}

static struct word *find(const struct words *words, const char *text)
{
    struct word *word = words->lists[hash(text) % words->size];
    while (word != NULL && strcmp(word->text, text) != 0)
        word = word->next;
    return word;
}

static int grow(struct words *words)
{
    size_t size = words->size * 2;
    struct word **lists = calloc(size, sizeof *lists);
    if (lists == NULL)
        return 0;
    for (size_t i = 0; i < words->size; i++)
        for (struct word *word = words->lists[i], *next; word != NULL; word = next) {
            next = word->next;
            word->next = lists[hash(word->text) % size];
            lists[hash(word->text) % size] = word;
        }
    free(words->lists);
    words->lists = lists;
    words->size = size;
    return 1;
}

static int add(struct words *words, const char *text)
{
    struct word *word = find(words, text);
    if (word != NULL) {
        word->count++;
        return 1;
    }
    if (words->different >= words->size && !grow(words))
        return 0;
    if ((word = malloc(sizeof *word)) == NULL || (word->text = malloc(strlen(text) + 1)) == NULL)
        return 0;
    strcpy(word->text, text);
    word->count = 1;
    word->next = words->lists[hash(text) % words->size];
    words->lists[hash(text) % words->size] = word;
    words->different++;
    return 1;
}

static int add_all(struct words *words, const char *text)
{
    char *word = NULL; /* grows by a byte at a time, as careless code does */
    size_t length = 0;
    for (;; text++) {
        int in_word = isalnum((unsigned char)*text);
        if (in_word || length != 0) {
            char *longer = realloc(word, length + 1);
            if (longer == NULL)
                return 0;
            word = longer;
            word[length++] = in_word ? *text : '\0';
        }
        if (!in_word && length != 0) {
            if (!add(words, word))
                return 0;
            length = 0;
        }
        if (*text == '\0')
            break;
    }
    free(word);
    return 1;
}

struct words *words_parse(const char *text)
{
    struct words *words = calloc(1, sizeof *words);
    if (words == NULL)
        return NULL;
    words->size = 4;
    words->lists = calloc(words->size, sizeof *words->lists);
    return words->lists != NULL && add_all(words, text) ? words : NULL;
}

size_t words_count(const struct words *words, const char *word)
{
    const struct word *found = find(words, word);
    return found != NULL ? found->count : 0;
}

size_t words_different(const struct words *words)
{
    return words->different;
}
