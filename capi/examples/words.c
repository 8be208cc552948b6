/*
 * Meaning in flash: the neighbours of words, analogies between them, and the word that is nearest to the sum
 * of two others, searched in integers and without memory.
 *
 * vocabulary.c is a table of words, as `eigenmote export` writes it. Prints what is found with its scores, by
 * the first values of the vectors and by all of them.
 */
#include "eigenmote.h"
#include "print.h"
#define VOCABULARY_DECLARATIONS_ONLY
#include "vocabulary.c"

#define HITS 3

static eigenmote_word_table table;

/* Begins a line. */
static void ask(const char *question) {
    say(question);
    say(":");
}

/* Words of the table have no zero behind them. */
static void say_word(const char *word, size_t length) {
    char text[32];
    size_t i;
    for (i = 0; i < length && i + 1 < sizeof text; i++)
        text[i] = word[i];
    text[i] = 0;
    say(text);
}

static int tell(const eigenmote_hit *hits, size_t found) {
    int bad = found == 0;
    for (size_t i = 0; i < found; i++) {
        const char *word;
        size_t length;
        if (eigenmote_word_table_word(&table, hits[i].id, &word, &length) != EIGENMOTE_STATUS_OK)
            return 1;
        say(" ");
        say_word(word, length);
        say(" ");
        say_hex((uint32_t)hits[i].score, 8);
    }
    say("\n");
    return bad;
}

static int id_of(const char *word, uint32_t *id) { return eigenmote_word_table_id(&table, word, strlen(word), id); }

static int nearest(const char *word) {
    eigenmote_hit hits[HITS];
    uint32_t id = 0;
    size_t found = 0;
    int bad = id_of(word, &id);
    ask(word);
    bad |= eigenmote_word_table_nearest(&table, id, hits, HITS, &found);
    return bad | tell(hits, found);
}

static int analogy(const char *question, const char *a, const char *b, const char *c, uint32_t rule) {
    eigenmote_hit hits[HITS];
    uint32_t ids[3] = {0, 0, 0};
    size_t found = 0;
    int bad = id_of(a, &ids[0]) | id_of(b, &ids[1]) | id_of(c, &ids[2]);
    ask(question);
    bad |= eigenmote_word_table_analogy(&table, ids[0], ids[1], ids[2], rule, hits, HITS, &found);
    return bad | tell(hits, found);
}

static int sum(const char *question, const char *a, const char *b) {
    int32_t x[VOCABULARY_DIM], y[VOCABULARY_DIM];
    int8_t query[VOCABULARY_DIM];
    eigenmote_hit hits[HITS];
    eigenmote_word_table_info info;
    uint32_t ids[2] = {0, 0};
    int32_t cosine = 0;
    size_t found = 0;
    int bad = eigenmote_word_table_get_info(&table, &info) | id_of(a, &ids[0]) | id_of(b, &ids[1]);
    bad |= eigenmote_word_table_vector_fixed(&table, ids[0], x, VOCABULARY_DIM);
    bad |= eigenmote_word_table_vector_fixed(&table, ids[1], y, VOCABULARY_DIM);
    if (bad)
        return 1;
    for (size_t i = 0; i < info.dim; i++)
        x[i] += y[i];
    bad |= eigenmote_word_query_fixed(x, info.dim, query, VOCABULARY_DIM);
    bad |= eigenmote_word_table_cosine(&table, ids[0], ids[1], &cosine);
    ask(question);
    say(" cosine ");
    say_hex((uint32_t)cosine, 8);
    bad |= eigenmote_word_table_nearest_to(&table, query, info.dim, ids, 2, hits, HITS, &found);
    return bad | tell(hits, found);
}

int main(void) {
    static eigenmote_word_table whole;
    uint32_t id;
    int bad = eigenmote_word_table_parse(&whole, vocabulary_table, sizeof vocabulary_table);
    for (size_t i = 0; i < VOCABULARY_PREFIX_COUNT; i++) {
        bad |= eigenmote_word_table_prefix(&whole, vocabulary_prefixes[i], &table);
        if (bad)
            return 1;
        say("by ");
        say_number(vocabulary_prefixes[i]);
        say(" values\n");
        bad |= nearest("sister") | nearest("sea") | nearest("three");
        bad |= analogy("he is to his as she to", "he", "his", "she", EIGENMOTE_ANALOGY_ADD);
        bad |= analogy("man is to men as woman to", "man", "men", "woman", EIGENMOTE_ANALOGY_MUL);
        bad |= sum("fresh and water", "fresh", "water");
    }
    say(id_of("microcontroller", &id) == EIGENMOTE_STATUS_UNKNOWN_WORD ? "a word that is not there\n" : "");
    return bad;
}
