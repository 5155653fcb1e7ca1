/* The compiled part of proofsearch-metamath: what terms.py, unification.py and combination.py do, on flat arrays.
 *
 * The Python modules are the reference and say what each function means; results, their order and the texts of errors
 * are the same. Functions that return int or int32_t return a negative number with a Python exception set where they
 * fail, unless they say otherwise.
 */
#ifndef PROOFSEARCH_NATIVE_H
#define PROOFSEARCH_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* A growing array of 32-bit integers. */
typedef struct {
    int32_t *at;
    Py_ssize_t n, cap;
} Ints;

int ints_reserve(Ints *ints, Py_ssize_t more);

static inline int ints_push(Ints *ints, int32_t value)
{
    if (ints->n == ints->cap && ints_reserve(ints, 1) < 0)
        return -1;
    ints->at[ints->n++] = value;
    return 0;
}

static inline void ints_free(Ints *ints) { PyMem_Free(ints->at); }

/* A map from terms to integers that is emptied at once: entries of an older epoch don't count. */
typedef struct {
    uint32_t epoch;
    uint32_t *stamps;
    int32_t *values;
} Map;

/* Which map is for what; two that are in use at the same time are two. */
enum { MAP_BINDINGS, MAP_MEMO, MAP_CANONICAL, MAP_SEEN, MAP_LOCAL, MAP_VALUES, MAP_RENAMED, NUM_MAPS };

/* The store of terms: a column for each property, by term. */
typedef struct {
    PyObject_HEAD
    Py_ssize_t n, cap;
    int64_t max_size;
    int32_t max_depth;
    int32_t *ops;
    int32_t *num_args;
    int32_t *args_at;  /* into args; of a metavariable its number */
    int32_t *num_metas;
    int32_t *metas_at; /* into metas */
    int32_t *sizes;
    int32_t *depths;
    int32_t *skeletons;  /* -1: not known yet */
    int32_t *num_leaves; /* -1: not known yet */
    int32_t *leaves_at;  /* into leaves */
    int32_t *variables;  /* a variable's number, else -1 */
    int8_t *closed;      /* whether a ground goal closes by itself: 0 not known yet, 1 yes, 2 no */
    Py_hash_t *hashes;
    PyObject **ground_goals; /* (term, ()), made when first asked for */
    Ints args, metas, leaves, work;
    int32_t *slots; /* the hash table of terms: -1 is free */
    Py_ssize_t num_slots;
    Ints *metas_by_typecode; /* by typecode, then number: the term, or -1 */
    Py_ssize_t num_typecodes;
    int32_t num_variables;
    Map maps[NUM_MAPS];
} Terms;

/* An assertion, laid flat: node i of a tree is either a variable or an operator with children. */
typedef struct {
    int32_t op; /* -1 - variable, or an operator */
    int32_t num_children, children_at;
} PatternNode;

typedef struct {
    PyObject_HEAD
    int32_t num_variables;
    int32_t *typecodes;
    Py_ssize_t num_nodes;
    PatternNode *nodes;
    Ints children;
    int32_t conclusion;
    Ints hypotheses; /* their root nodes */
    Ints disjoint;   /* variables, two a pair */
} Pattern;

typedef struct {
    PyObject_HEAD
    Terms *terms;
    PyObject *keeps_apart;
    uint64_t variable_only; /* bit i: typecode i */
    Ints values, goals, fresh, parts, pairs, occurs, found;
    signed char *kept; /* what keeps_apart said, by the numbers of two variables: -1 not asked yet */
    int32_t kept_size;
} Unifier;

/* What applying an assertion does to a goal; see unification.Application. */
typedef struct {
    PyObject_HEAD
    Terms *terms;
    Py_ssize_t num_goals, num_bound, num_fresh, num_apart;
    int32_t *goals; /* terms; the skeleton and metavariables are the term's own */
    int32_t *bound; /* metavariable, value, two a pair */
    int32_t *fresh;
    int32_t *apart; /* two a pair */
} Application;

typedef struct {
    PyObject_HEAD
    Terms *terms;
    Unifier *unifier;
    PyObject *closed_by;
    Py_ssize_t max_goals;
    Ints goals, metas, pending, order;
} Combiner;

/* What a state is made of; the Python class of states is built on it. Nothing that a session holds leads to a state,
 * so there are no circles and nothing for the collector to visit. */
typedef struct {
    PyObject_HEAD
    PyObject *session;
    PyObject *key;
    PyObject *opened; /* the key taken apart, once somebody has asked; else NULL */
    int32_t num_goals, num_metas;
    int32_t focus; /* -1: not chosen yet */
} Handle;

enum { TABLE, CONTEXT, ROLES, INNER, INNER_BIAS, OUTER, OUTER_BIAS, VECTORS, BIASES, GAPS, NUM_TENSORS };

/* The weights of the ranker's towers. */
typedef struct {
    PyObject_HEAD
    Py_ssize_t width, hidden, num_roles;
    Py_buffer tensors[NUM_TENSORS];
    int held; /* how many of them */
    float *work; /* room for the hidden layer */
} Towers;

/* The same additions in wider registers where the processor has them: without fused ones, so to the same last bit. */
#if defined(__GNUC__) && defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDEPyObject *stepper_applied(PyObject *stepper, int32_t skeleton);
int stepper_applies(PyObject *stepper, PyObject *applied, int32_t skeleton, PyObject *tactic);
int features_rows(PyObject *features, int32_t term, const uint64_t **rows, Py_ssize_t *n);
int towers_term(const Towers *w, const uint64_t *rows, Py_ssize_t n, float *sum);
void towers_add(const Towers *w, float *x, Py_ssize_t role, const float *sum, Py_ssize_t count);
int towers_goal(Towers *w, float *x, const int64_t *rows, Py_ssize_t num_rows, float *out);
int towers_logits(const Towers *w, const float *goal, const int64_t *numbers, Py_ssize_t n, Py_ssize_t earlier,
                  double temperature, double *out);
float towers_dot(const float *one, const float *other, Py_ssize_t n);

#endif

extern PyTypeObject TermsType, ColumnType, PatternType, UnifierType, ApplicationType, CombinerType, HandleType,
    StepperType, OutcomesType, FeaturesType, TowersType, JudgeType;
extern PyObject *TermTooLargeError;

int32_t terms_app(Terms *t, int32_t op, const int32_t *args, int32_t n);
int32_t terms_meta(Terms *t, int32_t number, int32_t typecode);
int32_t terms_canonical(Terms *t, int32_t term);
int32_t terms_substitute(Terms *t, Map *map, int32_t node);
int terms_leaves(Terms *t, int32_t term);
PyObject *terms_metas_tuple(Terms *t, int32_t term);
PyObject *terms_goal(Terms *t, int32_t term);
int32_t terms_checked(Terms *t, PyObject *number);
PyObject *terms_places(Terms *t, int32_t term, Py_ssize_t num_rules, Py_ssize_t max_depth);

static inline Map *map_begin(Terms *t, int which)
{
    Map *map = &t->maps[which];
    if (++map->epoch == 0) { /* 2^32 uses later: forget the stamps, once */
        memset(map->stamps, 0, (size_t)t->cap * sizeof(uint32_t));
        map->epoch = 1;
    }
    return map;
}

static inline int map_has(const Map *map, int32_t key) { return map->stamps[key] == map->epoch; }

static inline int32_t map_get(const Map *map, int32_t key, int32_t otherwise)
{
    return map->stamps[key] == map->epoch ? map->values[key] : otherwise;
}

static inline void map_set(Map *map, int32_t key, int32_t value)
{
    map->stamps[key] = map->epoch;
    map->values[key] = value;
}

PyObject *unifier_apply(Unifier *u, int32_t skeleton, const Pattern *p);
int unifier_keep_apart(Unifier *u, int32_t left, int32_t right, Ints *pending);
const int32_t *key_begin(const Terms *t, PyObject *key, const int32_t **end);
const int32_t *key_goal_end(const Terms *t, const int32_t *at, const int32_t *end);
int compare_pairs(const void *one, const void *other);
int32_t key_groups(Terms *t, const int32_t *key, const int32_t *end, int32_t *first);
PyObject *key_of_group(Terms *t, const int32_t *key, const int32_t *end, const int32_t *first, int32_t group,
                       int32_t *num_metas);
PyObject *combiner_combine(Combiner *c, const int32_t *key, const int32_t *end, int32_t num_metas, int32_t focus,
                           const Application *a);
PyObject *stepper_applied(PyObject *stepper, int32_t skeleton);
int stepper_applies(PyObject *stepper, PyObject *applied, int32_t skeleton, PyObject *tactic);
int features_rows(PyObject *features, int32_t term, const uint64_t **rows, Py_ssize_t *n);
int towers_term(const Towers *w, const uint64_t *rows, Py_ssize_t n, float *sum);
void towers_add(const Towers *w, float *x, Py_ssize_t role, const float *sum, Py_ssize_t count);
int towers_goal(Towers *w, float *x, const int64_t *rows, Py_ssize_t num_rows, float *out);
int towers_logits(const Towers *w, const float *goal, const int64_t *numbers, Py_ssize_t n, Py_ssize_t earlier,
                  double temperature, double *out);
float towers_dot(const float *one, const float *other, Py_ssize_t n);

#endif
