/* Taking a state apart into goals that have nothing to do with each other: see parting.py. */
#include "native.h"

/* The first goal of the group that a goal is in. */
static int32_t first_of(int32_t *first, int32_t goal)
{
    while (first[goal] != goal)
        goal = first[goal] = first[first[goal]];
    return goal;
}

static void join(int32_t *first, int32_t one, int32_t other)
{
    one = first_of(first, one);
    other = first_of(first, other);
    if (one < other)
        first[other] = one;
    else
        first[one] = other;
}

/* For each goal of a key that was looked through, and then for each condition, the first goal of its group. Returns how
 * many groups there are. */
int32_t key_groups(Terms *t, const int32_t *key, const int32_t *end, int32_t *first)
{
    Map *home = map_begin(t, MAP_SEEN);
    const int32_t *at = key + 1;
    int32_t count = *key, groups = 0;
    for (int32_t goal = 0; goal < count; goal++) {
        first[goal] = goal;
        for (int32_t n = t->num_metas[*at++]; n > 0; n--, at++)
            if (map_has(home, *at))
                join(first, goal, map_get(home, *at, -1));
            else
                map_set(home, *at, goal);
    }
    const int32_t *conditions = at;
    for (; at < end; at += 2) /* one of the two may be a variable of the theorem, which stays what it is */
        if (map_has(home, at[0]) && map_has(home, at[1]))
            join(first, map_get(home, at[0], -1), map_get(home, at[1], -1));
    for (int32_t goal = 0; goal < count; goal++)
        groups += (first[goal] = first_of(first, goal)) == goal;
    for (at = conditions; at < end; at += 2) {
        int32_t goal = map_get(home, at[0], map_get(home, at[1], -1));
        if (goal < 0) {
            PyErr_SetString(PyExc_ValueError, "a condition is about no goal's metavariable");
            return -1;
        }
        first[count++] = first[goal];
    }
    return groups;
}

/* The key of one group, its metavariables numbered anew; how many these are. */
PyObject *key_of_group(Terms *t, const int32_t *key, const int32_t *end, const int32_t *first, int32_t group, int32_t *num_metas)
{
    Map *renamed = map_begin(t, MAP_RENAMED);
    const int32_t *at = key + 1;
    int32_t goals = 0;
    Py_ssize_t length = 1;
    *num_metas = 0;
    for (int32_t goal = 0; goal < *key; goal++) {
        int32_t n = t->num_metas[*at++];
        if (first[goal] == group) {
            goals++;
            length += 1 + n;
            for (int32_t i = 0; i < n; i++) {
                if (map_has(renamed, at[i]))
                    continue;
                int32_t made = terms_meta(t, (*num_metas)++, -1 - t->ops[at[i]]);
                if (made < 0)
                    return NULL;
                map_set(renamed, at[i], made);
            }
        }
        at += n;
    }
    const int32_t *conditions = at;
    for (int32_t i = *key; at < end; at += 2, i++)
        length += first[i] == group ? 2 : 0;
    PyObject *made = PyBytes_FromStringAndSize(NULL, length * (Py_ssize_t)sizeof(int32_t));
    if (made == NULL)
        return NULL;
    int32_t *to = (int32_t *)PyBytes_AS_STRING(made);
    *to++ = goals;
    at = key + 1;
    for (int32_t goal = 0; goal < *key; goal++) {
        int32_t n = t->num_metas[*at];
        if (first[goal] == group) {
            *to++ = *at;
            for (int32_t i = 1; i <= n; i++)
                *to++ = map_get(renamed, at[i], -1);
        }
        at += 1 + n;
    }
    int32_t *pairs = to;
    at = conditions;
    for (int32_t i = *key; at < end; at += 2, i++)
        if (first[i] == group) {
            int32_t one = map_get(renamed, at[0], at[0]), other = map_get(renamed, at[1], at[1]);
            *to++ = one < other ? one : other;
            *to++ = one < other ? other : one;
        }
    if (to > pairs)
        qsort(pairs, (size_t)(to - pairs) / 2, 2 * sizeof(int32_t), compare_pairs);
    return made;
}
