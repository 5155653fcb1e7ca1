/* The store of terms: see terms.py. */
#include "native.h"

int ints_reserve(Ints *ints, Py_ssize_t more)
{
    Py_ssize_t cap = ints->cap;
    if (ints->n + more <= cap)
        return 0;
    while (cap < ints->n + more)
        cap = cap ? 2 * cap : 64;
    if (cap > INT32_MAX) {
        PyErr_NoMemory();
        return -1;
    }
    int32_t *at = PyMem_Realloc(ints->at, (size_t)cap * sizeof(int32_t));
    if (at == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    ints->at = at;
    ints->cap = cap;
    return 0;
}

#define GROW(column, cap)                                                         \
    do {                                                                          \
        void *grown = PyMem_Realloc((column), (size_t)(cap) * sizeof(*(column))); \
        if (grown == NULL) {                                                      \
            PyErr_NoMemory();                                                     \
            return -1;                                                            \
        }                                                                         \
        (column) = grown;                                                         \
    } while (0)

static int terms_grow(Terms *t)
{
    Py_ssize_t cap = t->cap ? 2 * t->cap : 1024;
    if (cap > INT32_MAX / 4) {
        PyErr_NoMemory();
        return -1;
    }
    GROW(t->ops, cap);
    GROW(t->num_args, cap);
    GROW(t->args_at, cap);
    GROW(t->num_metas, cap);
    GROW(t->metas_at, cap);
    GROW(t->sizes, cap);
    GROW(t->depths, cap);
    GROW(t->skeletons, cap);
    GROW(t->num_leaves, cap);
    GROW(t->leaves_at, cap);
    GROW(t->variables, cap);
    GROW(t->closed, cap);
    GROW(t->hashes, cap);
    GROW(t->ground_goals, cap);
    for (int which = 0; which < NUM_MAPS; which++) {
        Map *map = &t->maps[which];
        GROW(map->stamps, cap);
        GROW(map->values, cap);
        memset(map->stamps + t->cap, 0, (size_t)(cap - t->cap) * sizeof(uint32_t));
        if (map->epoch == 0)
            map->epoch = 1;
    }
    t->cap = cap;
    return 0;
}

static inline uint64_t mix(uint64_t hash, int32_t word)
{
    hash = (hash ^ (uint32_t)word) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

static uint64_t key_of(int32_t op, const int32_t *args, int32_t n)
{
    uint64_t hash = mix(0x8EBC6AF09C88C6E3u, op);
    for (int32_t i = 0; i < n; i++)
        hash = mix(hash, args[i]);
    return hash;
}

static int rehash(Terms *t)
{
    Py_ssize_t num_slots = t->num_slots ? 2 * t->num_slots : 4096;
    int32_t *slots = PyMem_Malloc((size_t)num_slots * sizeof(int32_t));
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(slots, 0xff, (size_t)num_slots * sizeof(int32_t));
    for (Py_ssize_t term = 0; term < t->n; term++) {
        if (t->ops[term] < 0)
            continue;
        uint64_t at = key_of(t->ops[term], t->args.at + t->args_at[term], t->num_args[term]);
        for (at &= (uint64_t)num_slots - 1; slots[at] >= 0; at = (at + 1) & ((uint64_t)num_slots - 1))
            ;
        slots[at] = (int32_t)term;
    }
    PyMem_Free(t->slots);
    t->slots = slots;
    t->num_slots = num_slots;
    return 0;
}

/* A new row with what all kinds of terms have in common. */
static int32_t new_row(Terms *t, int32_t op, Py_hash_t hash)
{
    if (t->n == t->cap && terms_grow(t) < 0)
        return -1;
    int32_t term = (int32_t)t->n++;
    t->ops[term] = op;
    t->skeletons[term] = t->num_leaves[term] = t->variables[term] = -1;
    t->closed[term] = 0;
    t->hashes[term] = hash;
    t->ground_goals[term] = NULL;
    return term;
}

/* Python's own hash of a tuple of integers: the plain implementation must find the same. */
static Py_hash_t slow_hash(int32_t first, const Py_hash_t *rest, const int32_t *which, int32_t n)
{
    PyObject *tuple = PyTuple_New(n + 1);
    if (tuple == NULL)
        return -1;
    for (int32_t i = 0; i <= n; i++) {
        PyObject *number = i == 0 ? PyLong_FromLong(first) : PyLong_FromSsize_t(rest[which[i - 1]]);
        if (number == NULL) {
            Py_DECREF(tuple);
            return -1;
        }
        PyTuple_SET_ITEM(tuple, i, number);
    }
    Py_hash_t hash = PyObject_Hash(tuple);
    Py_DECREF(tuple);
    return hash;
}

static uint64_t integer_hash(int64_t number)
{
    const uint64_t modulus = (UINT64_C(1) << 61) - 1;
    uint64_t rest = (number < 0 ? 0 - (uint64_t)number : (uint64_t)number) % modulus;
    uint64_t hash = number < 0 ? 0 - rest : rest;
    return hash == UINT64_MAX ? UINT64_MAX - 1 : hash;
}

/* The same, as 64-bit Pythons compute it since 3.8 (xxHash). */
static Py_hash_t fast_hash(int32_t first, const Py_hash_t *rest, const int32_t *which, int32_t n)
{
    const uint64_t one = UINT64_C(11400714785074694791), two = UINT64_C(14029467366897019727),
                   five = UINT64_C(2870177450012600261);
    uint64_t hash = five;
    for (int32_t i = 0; i <= n; i++) {
        hash += integer_hash(i == 0 ? first : rest[which[i - 1]]) * two;
        hash = (hash << 31 | hash >> 33) * one;
    }
    hash += (uint64_t)(n + 1) ^ (five ^ UINT64_C(3527539));
    return hash == UINT64_MAX ? 1546275796 : (Py_hash_t)hash;
}

/* How long it takes decides how fast terms are made, so Python is only asked where it computes something else. */
static Py_hash_t hash_of(int32_t first, const Py_hash_t *rest, const int32_t *which, int32_t n)
{
    static int fast = -1;
    if (fast < 0) {
        const Py_hash_t samples[] = {-1, 0, (Py_hash_t)1 << (8 * sizeof(Py_hash_t) - 3), 7 - PY_SSIZE_T_MAX, PY_SSIZE_T_MAX};
        const int32_t all[] = {0, 1, 2, 3, 4};
        fast = sizeof(Py_hash_t) == 8;
        for (int32_t length = 0; length <= 5 && fast; length++) {
            Py_hash_t expected = slow_hash(-1, samples, all, length);
            if (expected == -1 && PyErr_Occurred()) {
                fast = -1;
                return -1;
            }
            fast = expected == fast_hash(-1, samples, all, length);
        }
    }
    return fast ? fast_hash(first, rest, which, n) : slow_hash(first, rest, which, n);
}

int32_t terms_app(Terms *t, int32_t op, const int32_t *args, int32_t n)
{
    uint64_t mask = (uint64_t)t->num_slots - 1;
    uint64_t at = key_of(op, args, n) & mask;
    for (; t->slots[at] >= 0; at = (at + 1) & mask) {
        int32_t term = t->slots[at];
        if (t->ops[term] == op && t->num_args[term] == n &&
            (n == 0 || memcmp(t->args.at + t->args_at[term], args, (size_t)n * sizeof(int32_t)) == 0))
            return term;
    }
    int64_t size = 1;
    int32_t depth = 0, with_metas = 0, last = -1;
    for (int32_t i = 0; i < n; i++) {
        size += t->sizes[args[i]];
        if (t->depths[args[i]] > depth)
            depth = t->depths[args[i]];
        if (t->num_metas[args[i]] && args[i] != last) {
            with_metas++;
            last = args[i];
        }
    }
    if (size > t->max_size || depth >= t->max_depth) {
        PyErr_Format(TermTooLargeError, "a term of %lld nodes, %d deep", (long long)size, depth + 1);
        return -1;
    }
    Py_hash_t hash = hash_of(op, t->hashes, args, n);
    if (hash == -1 && PyErr_Occurred())
        return -1;
    int32_t metas_at = 0, num_metas = 0;
    if (with_metas == 1) {
        metas_at = t->metas_at[last];
        num_metas = t->num_metas[last];
    } else if (with_metas > 1) {
        Map *seen = map_begin(t, MAP_SEEN);
        metas_at = (int32_t)t->metas.n;
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j < t->num_metas[args[i]]; j++) {
                int32_t meta = t->metas.at[t->metas_at[args[i]] + j];
                if (map_has(seen, meta))
                    continue;
                map_set(seen, meta, 1);
                if (ints_push(&t->metas, meta) < 0)
                    return -1;
            }
        num_metas = (int32_t)t->metas.n - metas_at;
    }
    int32_t args_at = (int32_t)t->args.n;
    if (ints_reserve(&t->args, n) < 0)
        return -1;
    int32_t term = new_row(t, op, hash);
    if (term < 0)
        return -1;
    if (n)
        memcpy(t->args.at + t->args.n, args, (size_t)n * sizeof(int32_t));
    t->args.n += n;
    t->args_at[term] = args_at;
    t->num_args[term] = n;
    t->metas_at[term] = metas_at;
    t->num_metas[term] = num_metas;
    t->sizes[term] = (int32_t)size;
    t->depths[term] = depth + 1;
    t->slots[at] = term;
    if (2 * t->n > t->num_slots && rehash(t) < 0)
        return -1;
    return term;
}

int32_t terms_meta(Terms *t, int32_t number, int32_t typecode)
{
    if (number < 0 || typecode < 0 || number > 10000000 || typecode > 100000) {
        PyErr_Format(PyExc_ValueError, "no metavariable has number %d and typecode %d", number, typecode);
        return -1;
    }
    if (typecode >= t->num_typecodes) {
        Py_ssize_t count = typecode + 1;
        Ints *grown = PyMem_Realloc(t->metas_by_typecode, (size_t)count * sizeof(Ints));
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memset(grown + t->num_typecodes, 0, (size_t)(count - t->num_typecodes) * sizeof(Ints));
        t->metas_by_typecode = grown;
        t->num_typecodes = count;
    }
    Ints *known = &t->metas_by_typecode[typecode];
    while (known->n <= number)
        if (ints_push(known, -1) < 0)
            return -1;
    if (known->at[number] >= 0)
        return known->at[number];
    Py_hash_t second = typecode;
    int32_t only = 0;
    Py_hash_t hash = hash_of(number, &second, &only, 1);
    if ((hash == -1 && PyErr_Occurred()) || ints_reserve(&t->metas, 1) < 0)
        return -1;
    int32_t term = new_row(t, -1 - typecode, hash);
    if (term < 0)
        return -1;
    t->num_args[term] = 0;
    t->args_at[term] = number;
    t->metas_at[term] = (int32_t)t->metas.n;
    t->metas.at[t->metas.n++] = term;
    t->num_metas[term] = t->sizes[term] = t->depths[term] = 1;
    known->at[number] = term;
    return term;
}

/* Fills in the columns of a term's leaves: variables and metavariables, each once. */
int terms_leaves(Terms *t, int32_t term)
{
    if (t->num_leaves[term] >= 0)
        return 0;
    int32_t at = 0, count = 0, n = t->num_args[term];
    if (t->ops[term] < 0) {
        at = (int32_t)t->leaves.n;
        count = 1;
        if (ints_push(&t->leaves, term) < 0)
            return -1;
    } else if (n) {
        for (int32_t i = 0; i < n; i++)
            if (terms_leaves(t, t->args.at[t->args_at[term] + i]) < 0)
                return -1;
        if (n == 1) {
            int32_t only = t->args.at[t->args_at[term]];
            at = t->leaves_at[only];
            count = t->num_leaves[only];
        } else {
            Map *seen = map_begin(t, MAP_SEEN);
            at = (int32_t)t->leaves.n;
            for (int32_t i = 0; i < n; i++) {
                int32_t arg = t->args.at[t->args_at[term] + i];
                for (int32_t j = 0; j < t->num_leaves[arg]; j++) {
                    int32_t leaf = t->leaves.at[t->leaves_at[arg] + j];
                    if (map_has(seen, leaf))
                        continue;
                    map_set(seen, leaf, 1);
                    if (ints_push(&t->leaves, leaf) < 0)
                        return -1;
                }
            }
            count = (int32_t)t->leaves.n - at;
        }
    }
    t->leaves_at[term] = at;
    t->num_leaves[term] = count;
    return 0;
}

/* Replaces what the map has a value for; the map becomes the memo. */
int32_t terms_substitute(Terms *t, Map *map, int32_t node)
{
    if (map_has(map, node))
        return map->values[node];
    if (t->num_metas[node] == 0 || t->ops[node] < 0)
        return node;
    Py_ssize_t base = t->work.n;
    int32_t n = t->num_args[node], made = -1;
    for (int32_t i = 0; i < n; i++) {
        int32_t arg = terms_substitute(t, map, t->args.at[t->args_at[node] + i]);
        if (arg < 0 || ints_push(&t->work, arg) < 0)
            goto done;
    }
    made = terms_app(t, t->ops[node], t->work.at + base, n);
    if (made >= 0)
        map_set(map, node, made);
done:
    t->work.n = base;
    return made;
}

/* The skeleton of a term; its metavariables are those of the term itself. */
int32_t terms_canonical(Terms *t, int32_t term)
{
    int32_t skeleton = t->skeletons[term];
    if (skeleton >= 0)
        return skeleton;
    skeleton = term;
    if (t->num_metas[term]) {
        Map *map = map_begin(t, MAP_CANONICAL);
        int same = 1;
        for (int32_t i = 0; i < t->num_metas[term]; i++) {
            int32_t meta = t->metas.at[t->metas_at[term] + i];
            int32_t plain = terms_meta(t, i, -1 - t->ops[meta]);
            if (plain < 0)
                return -1;
            same = same && plain == meta;
            map_set(map, meta, plain);
        }
        if (!same && (skeleton = terms_substitute(t, map, term)) < 0)
            return -1;
    }
    t->skeletons[term] = skeleton;
    return skeleton;
}

/* -- for Python --------------------------------------------------------------------------------------------------- */

static PyObject *tuple_of(const int32_t *at, Py_ssize_t n)
{
    PyObject *tuple = PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple != NULL && i < n; i++) {
        PyObject *number = PyLong_FromLong(at[i]);
        if (number == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, number);
    }
    return tuple;
}

PyObject *terms_metas_tuple(Terms *t, int32_t term) { return tuple_of(t->metas.at + t->metas_at[term], t->num_metas[term]); }

/* (skeleton, metavariables) of a term. */
PyObject *terms_goal(Terms *t, int32_t term)
{
    int32_t skeleton = terms_canonical(t, term);
    if (skeleton < 0)
        return NULL;
    if (t->num_metas[term] == 0 && t->ground_goals[term] != NULL)
        return Py_NewRef(t->ground_goals[term]);
    PyObject *metas = terms_metas_tuple(t, term);
    if (metas == NULL)
        return NULL;
    PyObject *goal = Py_BuildValue("(iN)", skeleton, metas);
    if (goal != NULL && t->num_metas[term] == 0)
        t->ground_goals[term] = Py_NewRef(goal);
    return goal;
}

/* A term that Python names. */
int32_t terms_checked(Terms *t, PyObject *number)
{
    Py_ssize_t term = PyLong_AsSsize_t(number);
    if (term == -1 && PyErr_Occurred())
        return -1;
    if (term < 0 || term >= t->n) {
        PyErr_Format(PyExc_IndexError, "there is no term %zd among %zd", term, t->n);
        return -1;
    }
    return (int32_t)term;
}

static PyObject *Terms_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"max_size", "max_depth", NULL};
    Py_ssize_t max_size = 1000;
    int max_depth = 200;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|ni", names, &max_size, &max_depth))
        return NULL;
    Terms *t = (Terms *)type->tp_alloc(type, 0);
    if (t == NULL)
        return NULL;
    /* Sums of two sizes must fit, and what walks over terms recurses. */
    t->max_size = max_size < INT32_MAX / 2 ? max_size : INT32_MAX / 2;
    t->max_depth = max_depth < 2000 ? max_depth : 2000;
    /* None of these is ever without memory, so that nothing needs to ask before it points into them. */
    Ints *own[] = {&t->args, &t->metas, &t->leaves, &t->work};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (ints_reserve(own[i], 1) < 0) {
            Py_DECREF(t);
            return NULL;
        }
    if (terms_grow(t) < 0 || rehash(t) < 0) {
        Py_DECREF(t);
        return NULL;
    }
    return (PyObject *)t;
}

static void Terms_dealloc(Terms *t)
{
    for (Py_ssize_t term = 0; t->ground_goals != NULL && term < t->n; term++)
        Py_XDECREF(t->ground_goals[term]);
    void *columns[] = {t->ops,        t->num_args,  t->args_at,   t->num_metas, t->metas_at, t->sizes, t->depths,
                       t->skeletons,  t->num_leaves, t->leaves_at, t->variables, t->closed,   t->hashes, t->ground_goals,
                       t->slots};
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        PyMem_Free(columns[i]);
    for (int which = 0; which < NUM_MAPS; which++) {
        PyMem_Free(t->maps[which].stamps);
        PyMem_Free(t->maps[which].values);
    }
    for (Py_ssize_t typecode = 0; typecode < t->num_typecodes; typecode++)
        ints_free(&t->metas_by_typecode[typecode]);
    PyMem_Free(t->metas_by_typecode);
    ints_free(&t->args);
    ints_free(&t->metas);
    ints_free(&t->leaves);
    ints_free(&t->work);
    Py_TYPE(t)->tp_free((PyObject *)t);
}

static Py_ssize_t Terms_length(Terms *t) { return t->n; }

static PyObject *Terms_app(Terms *t, PyObject *args)
{
    int op;
    PyObject *children = NULL;
    if (!PyArg_ParseTuple(args, "i|O!", &op, &PyTuple_Type, &children))
        return NULL;
    if (op < 0)
        return PyErr_Format(PyExc_ValueError, "no operator is %d", op);
    Py_ssize_t base = t->work.n, n = children == NULL ? 0 : PyTuple_GET_SIZE(children);
    int32_t made = -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        int32_t child = terms_checked(t, PyTuple_GET_ITEM(children, i));
        if (child < 0 || ints_push(&t->work, child) < 0)
            goto done;
    }
    if (ints_reserve(&t->work, 1) == 0)
        made = terms_app(t, op, t->work.at + base, (int32_t)n);
done:
    t->work.n = base;
    return made < 0 ? NULL : PyLong_FromLong(made);
}

static PyObject *Terms_meta(Terms *t, PyObject *args)
{
    int number, typecode;
    if (!PyArg_ParseTuple(args, "ii", &number, &typecode))
        return NULL;
    int32_t meta = terms_meta(t, number, typecode);
    return meta < 0 ? NULL : PyLong_FromLong(meta);
}

static int32_t checked_meta(Terms *t, PyObject *number)
{
    int32_t meta = terms_checked(t, number);
    if (meta >= 0 && t->ops[meta] >= 0) {
        PyErr_SetObject(PyExc_KeyError, number);
        return -1;
    }
    return meta;
}

static PyObject *Terms_meta_number(Terms *t, PyObject *number)
{
    int32_t meta = checked_meta(t, number);
    return meta < 0 ? NULL : PyLong_FromLong(t->args_at[meta]);
}

static PyObject *Terms_meta_typecode(Terms *t, PyObject *number)
{
    int32_t meta = checked_meta(t, number);
    return meta < 0 ? NULL : PyLong_FromLong(-1 - t->ops[meta]);
}

static PyObject *Terms_leaves(Terms *t, PyObject *number)
{
    int32_t term = terms_checked(t, number);
    if (term < 0 || terms_leaves(t, term) < 0)
        return NULL;
    PyObject *tuple = tuple_of(t->leaves.at + t->leaves_at[term], t->num_leaves[term]);
    if (tuple == NULL)
        return NULL;
    PyObject *found = PyFrozenSet_New(tuple);
    Py_DECREF(tuple);
    return found;
}

static PyObject *Terms_mark_variable(Terms *t, PyObject *number)
{
    int32_t term = terms_checked(t, number);
    if (term < 0)
        return NULL;
    if (t->variables[term] < 0) {
        int32_t at = (int32_t)t->leaves.n;
        if (ints_push(&t->leaves, term) < 0)
            return NULL;
        t->leaves_at[term] = at;
        t->num_leaves[term] = 1;
        t->variables[term] = t->num_variables++;
    }
    Py_RETURN_NONE;
}

static PyObject *Terms_substitute(Terms *t, PyObject *args)
{
    PyObject *number, *values, *key, *value;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(args, "OO!", &number, &PyDict_Type, &values))
        return NULL;
    int32_t term = terms_checked(t, number);
    if (term < 0)
        return NULL;
    Map *map = map_begin(t, MAP_MEMO);
    while (PyDict_Next(values, &at, &key, &value)) {
        int32_t from = terms_checked(t, key), to = from < 0 ? -1 : terms_checked(t, value);
        if (to < 0)
            return NULL;
        map_set(map, from, to);
    }
    int32_t made = terms_substitute(t, map, term);
    return made < 0 ? NULL : PyLong_FromLong(made);
}

/* What stands near the root of a term, as a list of places of the index of conclusions. */
PyObject *terms_places(Terms *t, int32_t term, Py_ssize_t num_rules, Py_ssize_t max_depth)
{
    enum { BASE = 16 }; /* terms.PATH_BASE */
    PyObject *found = NULL;
    if (max_depth > 5)
        return PyErr_Format(PyExc_ValueError, "paths of more than %d steps do not fit", 5);
    Py_ssize_t base = t->work.n; /* term, path, depth; parents first */
    if (ints_push(&t->work, term) < 0 || ints_push(&t->work, 0) < 0 || ints_push(&t->work, 0) < 0)
        goto done;
    if ((found = PyList_New(0)) == NULL)
        goto done;
    for (Py_ssize_t at = base; at < t->work.n; at += 3) {
        int32_t node = t->work.at[at], path = t->work.at[at + 1], depth = t->work.at[at + 2], op = t->ops[node];
        if (op < 0)
            continue;
        PyObject *place = PyLong_FromLongLong(((long long)path << 32) | (op < num_rules ? op + 1 : 0));
        if (place == NULL || PyList_Append(found, place) < 0) {
            Py_XDECREF(place);
            Py_CLEAR(found);
            break;
        }
        Py_DECREF(place);
        if (op >= num_rules || depth >= max_depth)
            continue;
        int pushed = 0;
        for (int32_t i = 0; i < t->num_args[node] && pushed >= 0; i++) {
            pushed = ints_push(&t->work, t->args.at[t->args_at[node] + i]);
            if (pushed >= 0)
                pushed = ints_push(&t->work, path * BASE + (i < BASE - 1 ? i : BASE - 1) + 1);
            if (pushed >= 0)
                pushed = ints_push(&t->work, depth + 1);
        }
        if (pushed < 0) {
            Py_CLEAR(found);
            break;
        }
    }
done:
    t->work.n = base;
    return found;
}

static PyObject *Terms_places(Terms *t, PyObject *args)
{
    PyObject *number;
    int num_rules, max_depth;
    if (!PyArg_ParseTuple(args, "Oii", &number, &num_rules, &max_depth))
        return NULL;
    int32_t term = terms_checked(t, number);
    return term < 0 ? NULL : terms_places(t, term, num_rules, max_depth);
}

static PyObject *Terms_canonical(Terms *t, PyObject *number)
{
    int32_t term = terms_checked(t, number);
    return term < 0 ? NULL : terms_goal(t, term);
}

/* A column as a sequence; it holds what the store holds when it is read. */
typedef struct {
    PyObject_HEAD
    Terms *terms;
    int which;
} Column;

enum { COLUMN_OPS, COLUMN_ARGS, COLUMN_METAS, COLUMN_SIZES, COLUMN_DEPTHS, COLUMN_HASHES };

static void Column_dealloc(Column *column)
{
    Py_DECREF(column->terms);
    Py_TYPE(column)->tp_free((PyObject *)column);
}

static Py_ssize_t Column_length(Column *column) { return column->terms->n; }

static PyObject *Column_item(Column *column, Py_ssize_t term)
{
    Terms *t = column->terms;
    if (term < 0 || term >= t->n)
        return PyErr_Format(PyExc_IndexError, "there is no term %zd among %zd", term, t->n);
    switch (column->which) {
    case COLUMN_OPS:
        return PyLong_FromLong(t->ops[term]);
    case COLUMN_ARGS:
        return tuple_of(t->args.at + t->args_at[term], t->num_args[term]);
    case COLUMN_METAS:
        return terms_metas_tuple(t, (int32_t)term);
    case COLUMN_SIZES:
        return PyLong_FromLong(t->sizes[term]);
    case COLUMN_DEPTHS:
        return PyLong_FromLong(t->depths[term]);
    default:
        return PyLong_FromSsize_t(t->hashes[term]);
    }
}

static PySequenceMethods Column_sequence = {.sq_length = (lenfunc)Column_length, .sq_item = (ssizeargfunc)Column_item};

PyTypeObject ColumnType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Column",
    .tp_basicsize = sizeof(Column),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)Column_dealloc,
    .tp_as_sequence = &Column_sequence,
};

static PyObject *Terms_column(Terms *t, void *which)
{
    Column *column = PyObject_New(Column, &ColumnType);
    if (column != NULL) {
        column->terms = (Terms *)Py_NewRef(t);
        column->which = (int)(intptr_t)which;
    }
    return (PyObject *)column;
}

static PyObject *Terms_max_size(Terms *t, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(t->max_size);
}

static PyObject *Terms_max_depth(Terms *t, void *unused)
{
    (void)unused;
    return PyLong_FromLong(t->max_depth);
}

static PyGetSetDef Terms_getset[] = {
    {"ops", (getter)Terms_column, NULL, NULL, (void *)COLUMN_OPS},
    {"args", (getter)Terms_column, NULL, NULL, (void *)COLUMN_ARGS},
    {"metas", (getter)Terms_column, NULL, NULL, (void *)COLUMN_METAS},
    {"sizes", (getter)Terms_column, NULL, NULL, (void *)COLUMN_SIZES},
    {"depths", (getter)Terms_column, NULL, NULL, (void *)COLUMN_DEPTHS},
    {"hashes", (getter)Terms_column, NULL, NULL, (void *)COLUMN_HASHES},
    {"max_size", (getter)Terms_max_size, NULL, NULL, NULL},
    {"max_depth", (getter)Terms_max_depth, NULL, NULL, NULL},
    {NULL},
};

static PyMethodDef Terms_methods[] = {
    {"app", (PyCFunction)Terms_app, METH_VARARGS, NULL},
    {"meta", (PyCFunction)Terms_meta, METH_VARARGS, NULL},
    {"meta_number", (PyCFunction)Terms_meta_number, METH_O, NULL},
    {"meta_typecode", (PyCFunction)Terms_meta_typecode, METH_O, NULL},
    {"leaves", (PyCFunction)Terms_leaves, METH_O, NULL},
    {"mark_variable", (PyCFunction)Terms_mark_variable, METH_O, NULL},
    {"substitute", (PyCFunction)Terms_substitute, METH_VARARGS, NULL},
    {"places", (PyCFunction)Terms_places, METH_VARARGS, NULL},
    {"canonical", (PyCFunction)Terms_canonical, METH_O, NULL},
    {NULL},
};

static PySequenceMethods Terms_sequence = {.sq_length = (lenfunc)Terms_length};

PyTypeObject TermsType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Terms",
    .tp_basicsize = sizeof(Terms),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "See proofsearch_metamath.library.terms.Terms.",
    .tp_new = Terms_new,
    .tp_dealloc = (destructor)Terms_dealloc,
    .tp_methods = Terms_methods,
    .tp_getset = Terms_getset,
    .tp_as_sequence = &Terms_sequence,
};
