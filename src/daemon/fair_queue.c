#include "daemon/fair_queue.h"

#include <stdlib.h>

struct cardea_status fair_queue_init(struct fair_queue *q, uint32_t capacity)
{
    struct queue_line *lines = calloc(capacity > 0 ? capacity : 1, sizeof *lines);
    if (lines == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *q = (struct fair_queue){.capacity = capacity, .lines = lines};
    for (uint32_t i = 0; i < capacity; i++) {
        lines[i].next = q->free;
        q->free = &lines[i];
    }
    return CARDEA_SUCCESS;
}

void fair_queue_clear(struct fair_queue *q)
{
    free(q->lines);
    *q = (struct fair_queue){0};
}

static bool same_source(const struct address *a, const struct address *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static struct queue_line *line_find(struct fair_queue *q, const struct address *source)
{
    struct queue_line *line = q->last;
    if (line == NULL)
        return NULL;
    do {
        if (same_source(&line->source, source))
            return line;
        line = line->next;
    } while (line != q->last);
    return NULL;
}

static struct queue_line *line_longest(struct fair_queue *q)
{
    struct queue_line *line = q->last, *longest = q->last;
    if (line == NULL)
        return NULL;
    do {
        if (line->count > longest->count)
            longest = line;
        line = line->next;
    } while (line != q->last);
    return longest;
}

/* A new line is served after all that are there. */
static struct queue_line *line_open(struct fair_queue *q, const struct address *source)
{
    struct queue_line *line = q->free;
    q->free = line->next;
    *line = (struct queue_line){.source = *source};
    if (q->last == NULL) {
        line->next = line;
    } else {
        line->next = q->last->next;
        q->last->next = line;
    }
    q->last = line;
    return line;
}

static void line_close(struct fair_queue *q, struct queue_line *line)
{
    struct queue_line *before = q->last;
    while (before->next != line)
        before = before->next;
    before->next = line->next;
    if (q->last == line)
        q->last = before == line ? NULL : before;
    line->next = q->free;
    q->free = line;
}

static struct queue_entry *drop_last(struct fair_queue *q, struct queue_line *line)
{
    struct queue_entry *entry = line->tail, *before = line->head;
    if (before == entry) {
        line_close(q, line);
    } else {
        while (before->next != entry)
            before = before->next;
        before->next = NULL;
        line->tail = before;
        line->count--;
    }
    q->count--;
    return entry;
}

bool fair_queue_push(struct fair_queue *q, struct queue_entry *entry, struct queue_entry **ret_displaced)
{
    *ret_displaced = NULL;
    struct queue_line *line = line_find(q, &entry->source);
    if (q->count == q->capacity) {
        struct queue_line *longest = line_longest(q);
        uint32_t mine = line == NULL ? 0 : line->count;
        if (longest == NULL || longest->count <= mine + 1)
            return false;
        *ret_displaced = drop_last(q, longest);
    }
    if (line == NULL)
        line = line_open(q, &entry->source);
    entry->next = NULL;
    if (line->tail == NULL)
        line->head = entry;
    else
        line->tail->next = entry;
    line->tail = entry;
    line->count++;
    q->count++;
    return true;
}

struct queue_entry *fair_queue_pop(struct fair_queue *q)
{
    if (q->last == NULL)
        return NULL;
    struct queue_line *line = q->last->next;
    struct queue_entry *entry = line->head;
    line->head = entry->next;
    line->count--;
    q->count--;
    if (line->count == 0)
        line_close(q, line);
    else
        q->last = line; /* its next turn comes after everybody else's */
    return entry;
}
