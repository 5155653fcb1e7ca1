/* From a state and an application to the next state: see combination.py; and keys: see keys.py.
 *
 * Goals are held as (skeleton, number of metavariables, where these are in `metas`).
 */
#include "native.h"

enum { SKELETON, NUM_METAS, METAS_AT, GOAL_WIDTH };

static int add_goal(Combiner *c, int32_t skeleton, int32_t num_metas)
{
    if (ints_reserve(&c->goals, GOAL_WIDTH) < 0)
        return -1;
    int32_t *goal = c->goals.at + c->goals.n;
    goal[SKELETON] = skeleton;
    goal[NUM_METAS] = num_metas;
    goal[METAS_AT] = (int32_t)c->metas.n;
    c->goals.n += GOAL_WIDTH;
    return 0;
}

/* A key's numbers; NULL where it can't be one of this store's. */
const int32_t *key_begin(const Terms *t, PyObject *key, const int32_t **end)
{
    if (!PyBytes_Check(key) || PyBytes_GET_SIZE(key) < (Py_ssize_t)sizeof(int32_t) ||
        PyBytes_GET_SIZE(key) % (Py_ssize_t)sizeof(int32_t) != 0) {
        PyErr_SetString(PyExc_TypeError, "a key is bytes, whole 32-bit numbers");
        return NULL;
    }
    const int32_t *at = (const int32_t *)PyBytes_AS_STRING(key);
    *end = at + PyBytes_GET_SIZE(key) / (Py_ssize_t)sizeof(int32_t);
    const int32_t *goal = at + 1;
    for (int32_t i = 0; i < *at; i++)
        if ((goal = key_goal_end(t, goal, *end)) == NULL)
            return NULL;
    int known = (*end - goal) % 2 == 0;
    for (; known && goal < *end; goal++)
        known = *goal >= 0 && *goal < t->n;
    if (!known) {
        PyErr_SetString(PyExc_ValueError, "a key's conditions are not pairs of terms of this store");
        return NULL;
    }
    return at;
}

/* Where a goal of a key ends; NULL where it is none of this store's. */
const int32_t *key_goal_end(const Terms *t, const int32_t *at, const int32_t *end)
{
    int known = at < end && *at >= 0 && *at < t->n && end - at > t->num_metas[*at];
    const int32_t *after = known ? at + 1 + t->num_metas[*at] : NULL;
    for (at++; known && at < after; at++)
        known = *at >= 0 && *at < t->n && t->ops[*at] < 0;
    if (!known) {
        PyErr_SetString(PyExc_ValueError, "a key's goal is not a term of this store with its metavariables");
        return NULL;
    }
    return after;
}

/* Adds a goal of a key that was looked through; returns where the next one begins. */
static const int32_t *read_goal(Combiner *c, const int32_t *at)
{
    int32_t n = c->terms->num_metas[*at];
    if (add_goal(c, *at, n) < 0 || ints_reserve(&c->metas, n) < 0)
        return NULL;
    if (n)
        memcpy(c->metas.at + c->metas.n, at + 1, (size_t)n * sizeof(int32_t));
    c->metas.n += n;
    return at + 1 + n;
}

static int equal_goals(const Combiner *c, const int32_t *one, const int32_t *other)
{
    return one[SKELETON] == other[SKELETON] &&
           (one[NUM_METAS] == 0 || memcmp(c->metas.at + one[METAS_AT], c->metas.at + other[METAS_AT],
                                          (size_t)one[NUM_METAS] * sizeof(int32_t)) == 0);
}

/* Binds a goal's metavariables; rewrites it in place. */
static int bind_goal(Combiner *c, Py_ssize_t at, const Map *values)
{
    Terms *t = c->terms;
    int32_t skeleton = c->goals.at[at + SKELETON], n = c->goals.at[at + NUM_METAS];
    const int32_t *metas = c->metas.at + c->goals.at[at + METAS_AT];
    int touched = 0;
    for (int32_t i = 0; i < n && !touched; i++)
        touched = map_has(values, metas[i]);
    if (!touched)
        return 0;
    Map *here = map_begin(t, MAP_MEMO);
    for (int32_t i = 0; i < n; i++)
        map_set(here, t->metas.at[t->metas_at[skeleton] + i], map_get(values, metas[i], metas[i]));
    int32_t term = terms_substitute(t, here, skeleton);
    if (term < 0 || (skeleton = terms_canonical(t, term)) < 0)
        return -1;
    n = t->num_metas[term];
    if (ints_reserve(&c->metas, n) < 0)
        return -1;
    int32_t *goal = c->goals.at + at;
    goal[SKELETON] = skeleton;
    goal[NUM_METAS] = n;
    goal[METAS_AT] = (int32_t)c->metas.n;
    for (int32_t i = 0; i < n; i++)
        c->metas.at[c->metas.n++] = t->metas.at[t->metas_at[term] + i];
    return 0;
}

static int add_pair(Ints *pending, int32_t one, int32_t other)
{
    if (ints_push(pending, one < other ? one : other) < 0)
        return -1;
    return ints_push(pending, one < other ? other : one);
}

/* The pending conditions of the next state; 0 where one can't be kept. */
static int pend(Combiner *c, const int32_t *apart, const int32_t *end, const Application *a, const Map *local,
                const Map *values)
{
    Ints *pending = &c->pending;
    pending->n = 0;
    for (; apart < end; apart += 2) {
        int32_t one = apart[0], other = apart[1];
        if (a->num_bound && (map_has(values, one) || map_has(values, other))) {
            int kept =
                unifier_keep_apart(c->unifier, map_get(values, one, one), map_get(values, other, other), pending);
            if (kept <= 0)
                return kept;
        } else if (add_pair(pending, one, other) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < a->num_apart; i++) {
        int32_t one = a->apart[2 * i], other = a->apart[2 * i + 1];
        if (add_pair(pending, map_get(local, one, one), map_get(local, other, other)) < 0)
            return -1;
    }
    return 1;
}

/* Whether a ground goal closes by itself. Python may be asked, and may make terms. */
static int closes(Combiner *c, int32_t skeleton)
{
    Terms *t = c->terms;
    if (t->closed[skeleton] == 0) {
        PyObject *by = PyObject_CallFunction(c->closed_by, "i", skeleton);
        if (by == NULL)
            return -1;
        t->closed[skeleton] = by == Py_None ? 2 : 1;
        Py_DECREF(by);
    }
    return t->closed[skeleton] == 1;
}

/* Fills `order` with the goals that are left, each once, sorted by the hashes of their skeletons, by age among equals. */
static int place(Combiner *c)
{
    Terms *t = c->terms;
    c->order.n = 0;
    for (Py_ssize_t at = 0; at < c->goals.n; at += GOAL_WIDTH) {
        if (c->goals.at[at + NUM_METAS] == 0) {
            int closed = closes(c, c->goals.at[at + SKELETON]);
            if (closed < 0)
                return -1;
            if (closed)
                continue;
        }
        const int32_t *goal = c->goals.at + at;
        Py_hash_t hash = t->hashes[goal[SKELETON]];
        Py_ssize_t place = c->order.n;
        int known = 0;
        while (place > 0) {
            const int32_t *before = c->goals.at + c->order.at[place - 1];
            if (t->hashes[before[SKELETON]] < hash)
                break;
            if (t->hashes[before[SKELETON]] == hash) {
                /* Equals stand side by side, this one last of them if it is new. */
                for (Py_ssize_t i = place; i > 0 && !known; i--) {
                    before = c->goals.at + c->order.at[i - 1];
                    if (t->hashes[before[SKELETON]] != hash)
                        break;
                    known = equal_goals(c, before, goal);
                }
                break;
            }
            place--;
        }
        if (known)
            continue;
        if (ints_push(&c->order, 0) < 0)
            return -1;
        memmove(c->order.at + place + 1, c->order.at + place, (size_t)(c->order.n - 1 - place) * sizeof(int32_t));
        c->order.at[place] = (int32_t)at;
    }
    return 0;
}

int compare_pairs(const void *one, const void *other)
{
    const int32_t *left = one, *right = other;
    if (left[0] != right[0])
        return left[0] < right[0] ? -1 : 1;
    return left[1] < right[1] ? -1 : left[1] > right[1];
}

/* Puts the pending conditions into the next state's numbering; what is left is sorted, each once. */
static void rename_apart(Combiner *c, const Map *renamed)
{
    Terms *t = c->terms;
    Ints *pending = &c->pending;
    Py_ssize_t kept = 0;
    for (Py_ssize_t i = 0; i < pending->n; i += 2) {
        int32_t one = pending->at[i], other = pending->at[i + 1];
        if ((t->ops[one] < 0 && !map_has(renamed, one)) || (t->ops[other] < 0 && !map_has(renamed, other)))
            continue;
        one = map_get(renamed, one, one);
        other = map_get(renamed, other, other);
        pending->at[kept++] = one < other ? one : other;
        pending->at[kept++] = one < other ? other : one;
    }
    if (kept)
        qsort(pending->at, (size_t)kept / 2, 2 * sizeof(int32_t), compare_pairs);
    Py_ssize_t different = 0;
    for (Py_ssize_t i = 0; i < kept; i += 2) {
        if (different && pending->at[different - 2] == pending->at[i] && pending->at[different - 1] == pending->at[i + 1])
            continue;
        pending->at[different++] = pending->at[i];
        pending->at[different++] = pending->at[i + 1];
    }
    pending->n = different;
}

/* Closes what closes by itself, merges equal goals, numbers the metavariables anew. */
static PyObject *settle(Combiner *c)
{
    Terms *t = c->terms;
    if (place(c) < 0)
        return NULL;
    if (c->order.n == 0)
        Py_RETURN_NONE;
    if (c->order.n > c->max_goals)
        return PyUnicode_FromFormat("more than %zd goals", c->max_goals);
    Map *renamed = map_begin(t, MAP_RENAMED);
    int32_t num_metas = 0;
    Py_ssize_t length = 1;
    for (Py_ssize_t i = 0; i < c->order.n; i++) {
        const int32_t *goal = c->goals.at + c->order.at[i];
        length += 1 + goal[NUM_METAS];
        for (int32_t j = 0; j < goal[NUM_METAS]; j++) {
            int32_t meta = c->metas.at[goal[METAS_AT] + j];
            if (map_has(renamed, meta))
                continue;
            int32_t new = terms_meta(t, num_metas++, -1 - t->ops[meta]);
            if (new < 0)
                return NULL;
            map_set(renamed, meta, new);
        }
    }
    rename_apart(c, renamed);
    length += c->pending.n;
    PyObject *key = PyBytes_FromStringAndSize(NULL, length * (Py_ssize_t)sizeof(int32_t));
    if (key == NULL)
        return NULL;
    int32_t *at = (int32_t *)PyBytes_AS_STRING(key);
    *at++ = (int32_t)c->order.n;
    for (Py_ssize_t i = 0; i < c->order.n; i++) {
        const int32_t *goal = c->goals.at + c->order.at[i];
        *at++ = goal[SKELETON];
        for (int32_t j = 0; j < goal[NUM_METAS]; j++)
            *at++ = map_get(renamed, c->metas.at[goal[METAS_AT] + j], -1);
    }
    if (c->pending.n)
        memcpy(at, c->pending.at, (size_t)c->pending.n * sizeof(int32_t));
    return key;
}

/* The next state's key, None where no goal is left, or why there is no next state. The key was looked through. */
PyObject *combiner_combine(Combiner *c, const int32_t *key, const int32_t *end, int32_t num_metas, int32_t focus,
                           const Application *a)
{
    Terms *t = c->terms;
    const int32_t *first = key + 1, *at = first;
    for (int32_t i = 0; i < focus; i++)
        at += 1 + t->num_metas[*at];
    c->goals.n = c->metas.n = 0;
    if (read_goal(c, at) == NULL)
        return NULL;
    Map *local = map_begin(t, MAP_LOCAL);
    int32_t skeleton = c->goals.at[SKELETON], own = c->goals.at[NUM_METAS];
    for (int32_t i = 0; i < own; i++)
        map_set(local, t->metas.at[t->metas_at[skeleton] + i], c->metas.at[i]);
    for (Py_ssize_t i = 0; i < a->num_fresh; i++) {
        int32_t meta = terms_meta(t, (int32_t)(num_metas + i), -1 - t->ops[a->fresh[i]]);
        if (meta < 0)
            return NULL;
        map_set(local, a->fresh[i], meta);
    }
    int circular = 0;
    for (Py_ssize_t i = 0; i < a->num_goals; i++) {
        int32_t term = a->goals[i], made = terms_canonical(t, term);
        if (made < 0 || add_goal(c, made, t->num_metas[term]) < 0)
            return NULL;
        for (int32_t j = 0; j < t->num_metas[term]; j++) {
            int32_t meta = t->metas.at[t->metas_at[term] + j];
            if (ints_push(&c->metas, map_get(local, meta, meta)) < 0)
                return NULL;
        }
        circular |= equal_goals(c, c->goals.at, c->goals.at + c->goals.n - GOAL_WIDTH);
    }
    if (circular && a->num_bound == 0)
        return PyUnicode_FromString("leads back to its own goal");
    Map *values = map_begin(t, MAP_VALUES);
    for (Py_ssize_t i = 0; i < a->num_bound; i++) {
        int32_t meta = a->bound[2 * i], value = a->bound[2 * i + 1];
        Map *memo = map_begin(t, MAP_MEMO); /* terms_substitute() leaves its results in the map that it is given */
        for (int32_t j = 0; j < t->num_metas[value]; j++) {
            int32_t inner = t->metas.at[t->metas_at[value] + j];
            map_set(memo, inner, map_get(local, inner, inner));
        }
        int32_t made = terms_substitute(t, memo, value);
        if (made < 0)
            return NULL;
        map_set(values, map_get(local, meta, meta), made);
    }
    at = first;
    for (int32_t number = 0; number < *key; number++) {
        if (number == focus) {
            at += 1 + t->num_metas[*at];
            continue;
        }
        Py_ssize_t goal = c->goals.n;
        if ((at = read_goal(c, at)) == NULL || (a->num_bound && bind_goal(c, goal, values) < 0))
            return NULL;
    }
    int kept = pend(c, at, end, a, local, values);
    if (kept < 0)
        return NULL;
    if (kept == 0)
        return PyUnicode_FromString("violates a $d condition");
    /* The goal that was applied to stands first; it is gone. */
    c->goals.n -= GOAL_WIDTH;
    memmove(c->goals.at, c->goals.at + GOAL_WIDTH, (size_t)c->goals.n * sizeof(int32_t));
    return settle(c);
}

static PyObject *Combiner_combine(Combiner *c, PyObject *const *args, Py_ssize_t n)
{
    if (n != 4 || !PyObject_TypeCheck(args[3], &ApplicationType)) {
        PyErr_SetString(PyExc_TypeError, "combine(key, num_metas, focus, application)");
        return NULL;
    }
    Py_ssize_t num_metas = PyLong_AsSsize_t(args[1]), focus = PyLong_AsSsize_t(args[2]);
    const Application *a = (const Application *)args[3];
    if (PyErr_Occurred())
        return NULL;
    const int32_t *end, *key = key_begin(c->terms, args[0], &end);
    if (key == NULL)
        return NULL;
    if (focus < 0 || focus >= *key || num_metas < 0 || num_metas > INT32_MAX / 2 || a->terms != c->terms) {
        PyErr_SetString(PyExc_ValueError, "the goal or the application is not this state's");
        return NULL;
    }
    return combiner_combine(c, key, end, (int32_t)num_metas, (int32_t)focus, a);
}

static PyObject *Combiner_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"terms", "unifier", "closed_by", "max_goals", NULL};
    PyObject *terms, *unifier, *closed_by;
    Py_ssize_t max_goals = 64;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O!O|n", names, &TermsType, &terms, &UnifierType, &unifier,
                                     &closed_by, &max_goals))
        return NULL;
    Combiner *c = (Combiner *)type->tp_alloc(type, 0);
    if (c == NULL)
        return NULL;
    c->terms = (Terms *)Py_NewRef(terms);
    c->unifier = (Unifier *)Py_NewRef(unifier);
    c->closed_by = Py_NewRef(closed_by);
    c->max_goals = max_goals;
    return (PyObject *)c;
}

static int Combiner_traverse(Combiner *c, visitproc visit, void *arg)
{
    Py_VISIT(c->unifier);
    Py_VISIT(c->closed_by);
    return 0;
}

static int Combiner_clear(Combiner *c)
{
    Py_CLEAR(c->closed_by);
    return 0;
}

static void Combiner_dealloc(Combiner *c)
{
    PyObject_GC_UnTrack(c);
    Py_CLEAR(c->closed_by);
    Py_CLEAR(c->unifier);
    Py_CLEAR(c->terms);
    Ints *scratch[] = {&c->goals, &c->metas, &c->pending, &c->order};
    for (size_t i = 0; i < sizeof(scratch) / sizeof(*scratch); i++)
        ints_free(scratch[i]);
    Py_TYPE(c)->tp_free((PyObject *)c);
}

static PyMethodDef Combiner_methods[] = {
    {"combine", (PyCFunction)(void (*)(void))Combiner_combine, METH_FASTCALL, NULL},
    {NULL},
};

PyTypeObject CombinerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Combiner",
    .tp_basicsize = sizeof(Combiner),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "See proofsearch_metamath.search.combination.Combiner.",
    .tp_new = Combiner_new,
    .tp_dealloc = (destructor)Combiner_dealloc,
    .tp_traverse = (traverseproc)Combiner_traverse,
    .tp_clear = (inquiry)Combiner_clear,
    .tp_methods = Combiner_methods,
};
