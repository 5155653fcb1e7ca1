/* From a state and an application to the next state: see combination.py.
 *
 * Goals are held as (skeleton, number of metavariables, where these are in `metas`, the tuple it came from or none).
 */
#include "native.h"

enum { SKELETON, NUM_METAS, METAS_AT, CAME_FROM, GOAL_WIDTH };

static int add_goal(Combiner *c, int32_t skeleton, int32_t num_metas, int32_t came_from)
{
    if (ints_reserve(&c->goals, GOAL_WIDTH) < 0)
        return -1;
    int32_t *goal = c->goals.at + c->goals.n;
    goal[SKELETON] = skeleton;
    goal[NUM_METAS] = num_metas;
    goal[METAS_AT] = (int32_t)c->metas.n;
    goal[CAME_FROM] = came_from;
    c->goals.n += GOAL_WIDTH;
    return 0;
}

/* Reads a goal of the state; its metavariables follow. */
static int read_goal(Combiner *c, PyObject *goals, Py_ssize_t number)
{
    PyObject *goal = PyTuple_GET_ITEM(goals, number);
    if (!PyTuple_Check(goal) || PyTuple_GET_SIZE(goal) != 2 || !PyTuple_Check(PyTuple_GET_ITEM(goal, 1))) {
        PyErr_SetString(PyExc_TypeError, "a goal is a skeleton and a tuple of metavariables");
        return -1;
    }
    int32_t skeleton = terms_checked(c->terms, PyTuple_GET_ITEM(goal, 0));
    if (skeleton < 0)
        return -1;
    PyObject *metas = PyTuple_GET_ITEM(goal, 1);
    Py_ssize_t n = PyTuple_GET_SIZE(metas);
    if (n != c->terms->num_metas[skeleton]) {
        PyErr_SetString(PyExc_ValueError, "a goal has another number of metavariables than its skeleton");
        return -1;
    }
    if (add_goal(c, skeleton, (int32_t)n, (int32_t)number) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        int32_t meta = terms_checked(c->terms, PyTuple_GET_ITEM(metas, i));
        if (meta < 0 || ints_push(&c->metas, meta) < 0)
            return -1;
        if (c->terms->ops[meta] >= 0) {
            PyErr_SetString(PyExc_ValueError, "a goal's metavariable is another term");
            return -1;
        }
    }
    return 0;
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
    goal[CAME_FROM] = -1;
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
static int pend(Combiner *c, PyObject *apart, const Application *a, const Map *local, const Map *values)
{
    Ints *pending = &c->pending;
    pending->n = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(apart); i++) {
        PyObject *pair = PyTuple_GET_ITEM(apart, i);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
            PyErr_SetString(PyExc_TypeError, "a condition is a pair of terms");
            return -1;
        }
        int32_t one = terms_checked(c->terms, PyTuple_GET_ITEM(pair, 0));
        int32_t other = one < 0 ? -1 : terms_checked(c->terms, PyTuple_GET_ITEM(pair, 1));
        if (other < 0)
            return -1;
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

static int compare_pairs(const void *one, const void *other)
{
    const int32_t *left = one, *right = other;
    if (left[0] != right[0])
        return left[0] < right[0] ? -1 : 1;
    return left[1] < right[1] ? -1 : left[1] > right[1];
}

/* The next state's conditions, in its numbering. */
static PyObject *renamed_apart(Combiner *c, const Map *renamed)
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
    PyObject *apart = PyTuple_New(different / 2);
    for (Py_ssize_t i = 0; apart != NULL && i < different; i += 2) {
        PyObject *pair = Py_BuildValue("(ii)", pending->at[i], pending->at[i + 1]);
        if (pair == NULL)
            Py_CLEAR(apart);
        else
            PyTuple_SET_ITEM(apart, i / 2, pair);
    }
    return apart;
}

/* A goal of the next state as a tuple: that of the state before where nothing changed. */
static PyObject *goal_tuple(Combiner *c, PyObject *goals, const int32_t *goal, const Map *renamed)
{
    Terms *t = c->terms;
    const int32_t *metas = c->metas.at + goal[METAS_AT];
    int same = goal[CAME_FROM] >= 0;
    for (int32_t i = 0; i < goal[NUM_METAS] && same; i++)
        same = renamed->values[metas[i]] == metas[i];
    if (same)
        return Py_NewRef(PyTuple_GET_ITEM(goals, goal[CAME_FROM]));
    if (goal[NUM_METAS] == 0)
        return terms_goal(t, goal[SKELETON]);
    PyObject *tuple = PyTuple_New(goal[NUM_METAS]);
    for (int32_t i = 0; tuple != NULL && i < goal[NUM_METAS]; i++) {
        PyObject *number = PyLong_FromLong(renamed->values[metas[i]]);
        if (number == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, number);
    }
    return tuple == NULL ? NULL : Py_BuildValue("(iN)", goal[SKELETON], tuple);
}

/* Closes what closes by itself, merges equal goals, numbers the metavariables anew. */
static PyObject *settle(Combiner *c, PyObject *goals)
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
    for (Py_ssize_t i = 0; i < c->order.n; i++) {
        const int32_t *goal = c->goals.at + c->order.at[i];
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
    PyObject *next = PyTuple_New(c->order.n), *apart = NULL;
    for (Py_ssize_t i = 0; next != NULL && i < c->order.n; i++) {
        PyObject *goal = goal_tuple(c, goals, c->goals.at + c->order.at[i], renamed);
        if (goal == NULL)
            Py_CLEAR(next);
        else
            PyTuple_SET_ITEM(next, i, goal);
    }
    if (next == NULL || (apart = renamed_apart(c, renamed)) == NULL) {
        Py_XDECREF(next);
        return NULL;
    }
    return Py_BuildValue("(NNi)", next, apart, num_metas);
}

static PyObject *Combiner_combine(Combiner *c, PyObject *const *args, Py_ssize_t n)
{
    Terms *t = c->terms;
    if (n != 5 || !PyTuple_Check(args[0]) || !PyTuple_Check(args[1]) || !PyObject_TypeCheck(args[4], &ApplicationType)) {
        PyErr_SetString(PyExc_TypeError, "combine(goals, apart, num_metas, focus, application)");
        return NULL;
    }
    PyObject *goals = args[0], *apart = args[1];
    Py_ssize_t num_metas = PyLong_AsSsize_t(args[2]), focus = PyLong_AsSsize_t(args[3]);
    const Application *a = (const Application *)args[4];
    if (PyErr_Occurred())
        return NULL;
    if (focus < 0 || focus >= PyTuple_GET_SIZE(goals) || num_metas < 0 || num_metas > INT32_MAX / 2 || a->terms != t) {
        PyErr_SetString(PyExc_ValueError, "the goal or the application is not this state's");
        return NULL;
    }
    c->goals.n = c->metas.n = 0;
    if (read_goal(c, goals, focus) < 0)
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
        if (made < 0 || add_goal(c, made, t->num_metas[term], -1) < 0)
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
    for (Py_ssize_t number = 0; number < PyTuple_GET_SIZE(goals); number++) {
        if (number == focus)
            continue;
        Py_ssize_t at = c->goals.n;
        if (read_goal(c, goals, number) < 0 || (a->num_bound && bind_goal(c, at, values) < 0))
            return NULL;
    }
    int kept = pend(c, apart, a, local, values);
    if (kept < 0)
        return NULL;
    if (kept == 0)
        return PyUnicode_FromString("violates a $d condition");
    /* The goal that was applied to stands first; it is gone. */
    c->goals.n -= GOAL_WIDTH;
    memmove(c->goals.at, c->goals.at + GOAL_WIDTH, (size_t)c->goals.n * sizeof(int32_t));
    return settle(c, goals);
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
    .tp_doc = "See proofsearch_metamath.combination.Combiner.",
    .tp_new = Combiner_new,
    .tp_dealloc = (destructor)Combiner_dealloc,
    .tp_traverse = (traverseproc)Combiner_traverse,
    .tp_clear = (inquiry)Combiner_clear,
    .tp_methods = Combiner_methods,
};
