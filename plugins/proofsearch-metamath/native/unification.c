/* Applying an assertion to a goal: see unification.py.
 *
 * Which of two metavariables is bound to the other depends on the order in which pairs are looked at; it is that of
 * the plain implementation, a stack to which children are pushed from the first to the last.
 */
#include "native.h"

/* -- patterns ----------------------------------------------------------------------------------------------------- */

/* Lays a tree flat; returns its root's node. */
static int32_t lay(Pattern *p, Py_ssize_t *cap, PyObject *tree, int depth)
{
    if (depth > 1000) {
        PyErr_SetString(PyExc_ValueError, "an assertion is nested too deep");
        return -1;
    }
    if (p->num_nodes == *cap) {
        Py_ssize_t grown = *cap ? 2 * *cap : 32;
        PatternNode *nodes = PyMem_Realloc(p->nodes, (size_t)grown * sizeof(PatternNode));
        if (nodes == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        p->nodes = nodes;
        *cap = grown;
    }
    int32_t number = (int32_t)p->num_nodes++;
    PatternNode node = {0, 0, 0};
    if (PyLong_Check(tree)) {
        long variable = PyLong_AsLong(tree);
        if (variable < 0 || variable >= p->num_variables) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "no variable %ld among %d", variable, p->num_variables);
            return -1;
        }
        node.op = (int32_t)(-1 - variable);
    } else {
        if (!PyTuple_Check(tree) || PyTuple_GET_SIZE(tree) < 1) {
            PyErr_SetString(PyExc_TypeError, "a tree is a variable's number or a tuple of an operator and its children");
            return -1;
        }
        long op = PyLong_AsLong(PyTuple_GET_ITEM(tree, 0));
        if (op < 0 || op > INT32_MAX) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "no operator is %ld", op);
            return -1;
        }
        node.op = (int32_t)op;
        node.num_children = (int32_t)(PyTuple_GET_SIZE(tree) - 1);
        node.children_at = (int32_t)p->children.n;
        for (int32_t i = 0; i < node.num_children; i++)
            if (ints_push(&p->children, 0) < 0)
                return -1;
        for (int32_t i = 0; i < node.num_children; i++) {
            int32_t child = lay(p, cap, PyTuple_GET_ITEM(tree, i + 1), depth + 1);
            if (child < 0)
                return -1;
            p->children.at[node.children_at + i] = child;
        }
    }
    p->nodes[number] = node;
    return number;
}

static PyObject *Pattern_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"typecodes", "conclusion", "hypotheses", "disjoint", NULL};
    PyObject *typecodes, *conclusion, *hypotheses, *disjoint;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!OO!O!", names, &PyTuple_Type, &typecodes, &conclusion,
                                     &PyTuple_Type, &hypotheses, &PyTuple_Type, &disjoint))
        return NULL;
    Pattern *p = (Pattern *)type->tp_alloc(type, 0);
    if (p == NULL)
        return NULL;
    p->num_variables = (int32_t)PyTuple_GET_SIZE(typecodes);
    p->typecodes = PyMem_Malloc(((size_t)p->num_variables + 1) * sizeof(int32_t));
    if (p->typecodes == NULL) {
        PyErr_NoMemory();
        goto fail;
    }
    for (int32_t i = 0; i < p->num_variables; i++) {
        p->typecodes[i] = (int32_t)PyLong_AsLong(PyTuple_GET_ITEM(typecodes, i));
        if (p->typecodes[i] == -1 && PyErr_Occurred())
            goto fail;
    }
    Py_ssize_t cap = 0;
    if ((p->conclusion = lay(p, &cap, conclusion, 0)) < 0)
        goto fail;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(hypotheses); i++) {
        int32_t root = lay(p, &cap, PyTuple_GET_ITEM(hypotheses, i), 0);
        if (root < 0 || ints_push(&p->hypotheses, root) < 0)
            goto fail;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(disjoint); i++) {
        int one, other;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(disjoint, i), "ii", &one, &other))
            goto fail;
        if (one < 0 || one >= p->num_variables || other < 0 || other >= p->num_variables) {
            PyErr_SetString(PyExc_ValueError, "a $d names a variable that the assertion doesn't have");
            goto fail;
        }
        if (ints_push(&p->disjoint, one) < 0 || ints_push(&p->disjoint, other) < 0)
            goto fail;
    }
    return (PyObject *)p;
fail:
    Py_DECREF(p);
    return NULL;
}

static void Pattern_dealloc(Pattern *p)
{
    PyMem_Free(p->typecodes);
    PyMem_Free(p->nodes);
    ints_free(&p->children);
    ints_free(&p->hypotheses);
    ints_free(&p->disjoint);
    Py_TYPE(p)->tp_free((PyObject *)p);
}

PyTypeObject PatternType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Pattern",
    .tp_basicsize = sizeof(Pattern),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "An assertion as the compiled unifier needs it.",
    .tp_new = Pattern_new,
    .tp_dealloc = (destructor)Pattern_dealloc,
};

/* -- unification -------------------------------------------------------------------------------------------------- */

/* Gives a metavariable a value; 0 where it occurs in it. */
static int bind(Unifier *u, Map *bindings, int32_t meta, int32_t term)
{
    Terms *t = u->terms;
    if (t->num_metas[term]) {
        Map *seen = map_begin(t, MAP_SEEN);
        u->occurs.n = 0;
        int32_t node = term;
        for (;;) {
            for (int32_t i = 0; i < t->num_metas[node]; i++) {
                int32_t found = t->metas.at[t->metas_at[node] + i];
                if (found == meta)
                    return 0;
                if (map_has(seen, found))
                    continue;
                map_set(seen, found, 1);
                int32_t value = map_get(bindings, found, -1);
                if (value >= 0 && ints_push(&u->occurs, value) < 0)
                    return -1;
            }
            if (u->occurs.n == 0)
                break;
            node = u->occurs.at[--u->occurs.n];
        }
    }
    map_set(bindings, meta, term);
    return 1;
}

static int unify(Unifier *u, Map *bindings, int32_t left, int32_t right)
{
    Terms *t = u->terms;
    Ints *stack = &u->pairs;
    stack->n = 0;
    for (;;) {
        while (map_has(bindings, left))
            left = bindings->values[left];
        while (map_has(bindings, right))
            right = bindings->values[right];
        if (left != right) {
            int bound = 1;
            if (t->ops[left] < 0)
                bound = bind(u, bindings, left, right);
            else if (t->ops[right] < 0)
                bound = bind(u, bindings, right, left);
            else if (t->ops[left] != t->ops[right] || (t->num_metas[left] == 0 && t->num_metas[right] == 0))
                return 0;
            else {
                int32_t n = t->num_args[left];
                if (n != t->num_args[right]) {
                    PyErr_SetString(PyExc_ValueError, "one operator with two numbers of children");
                    return -1;
                }
                for (int32_t i = 0; i < n; i++)
                    if (ints_push(stack, t->args.at[t->args_at[left] + i]) < 0 ||
                        ints_push(stack, t->args.at[t->args_at[right] + i]) < 0)
                        return -1;
            }
            if (bound <= 0)
                return bound;
        }
        if (stack->n == 0)
            return 1;
        right = stack->at[--stack->n];
        left = stack->at[--stack->n];
    }
}

/* Applies the bindings until nothing changes; the memo is that of one call. */
static int32_t resolve_in(Terms *t, const Map *bindings, Map *memo, int32_t node, int depth)
{
    if (t->num_metas[node] == 0)
        return node;
    if (map_has(memo, node))
        return memo->values[node];
    int32_t made = -1;
    if (t->ops[node] < 0) {
        int32_t value = map_get(bindings, node, -1);
        made = value < 0 ? node : resolve_in(t, bindings, memo, value, depth);
    } else {
        if (depth >= t->max_depth) {
            PyErr_Format(TermTooLargeError, "a term more than %d deep", t->max_depth);
            return -1;
        }
        Py_ssize_t base = t->work.n;
        int32_t n = t->num_args[node];
        for (int32_t i = 0; i < n; i++) {
            int32_t arg = resolve_in(t, bindings, memo, t->args.at[t->args_at[node] + i], depth + 1);
            if (arg < 0 || ints_push(&t->work, arg) < 0) {
                t->work.n = base;
                return -1;
            }
        }
        made = terms_app(t, t->ops[node], t->work.at + base, n);
        t->work.n = base;
    }
    if (made >= 0)
        map_set(memo, node, made);
    return made;
}

static int32_t resolve(Terms *t, const Map *bindings, int32_t term)
{
    return resolve_in(t, bindings, map_begin(t, MAP_MEMO), term, 0);
}

/* The value of an assertion's variable; a fresh metavariable where unification left it open. */
static int32_t value_of(Unifier *u, const Pattern *p, int32_t variable, int32_t own)
{
    int32_t value = u->values.at[variable];
    if (value < 0) {
        value = terms_meta(u->terms, own + (int32_t)u->fresh.n, p->typecodes[variable]);
        if (value < 0 || ints_push(&u->fresh, value) < 0)
            return -1;
        u->values.at[variable] = value;
    }
    return value;
}

static int32_t instantiate(Unifier *u, const Pattern *p, int32_t number, int32_t own)
{
    const PatternNode *node = &p->nodes[number];
    if (node->op < 0)
        return value_of(u, p, -1 - node->op, own);
    Terms *t = u->terms;
    Py_ssize_t base = t->work.n;
    int32_t made = -1;
    if (ints_reserve(&t->work, 1) < 0)
        return -1;
    for (int32_t i = 0; i < node->num_children; i++) {
        int32_t arg = instantiate(u, p, p->children.at[node->children_at + i], own);
        if (arg < 0 || ints_push(&t->work, arg) < 0)
            goto done;
    }
    made = terms_app(t, node->op, t->work.at + base, node->num_children);
done:
    t->work.n = base;
    return made;
}

static int keeps_apart(Unifier *u, int32_t one, int32_t other)
{
    Terms *t = u->terms;
    int32_t n = t->num_variables, first = t->variables[one], second = t->variables[other];
    if (first >= 0 && second >= 0) {
        if (u->kept_size != n) {
            PyMem_Free(u->kept);
            u->kept_size = 0;
            if ((u->kept = PyMem_Malloc((size_t)n * (size_t)n)) == NULL) {
                PyErr_NoMemory();
                return -1;
            }
            memset(u->kept, -1, (size_t)n * (size_t)n);
            u->kept_size = n;
        }
        signed char known = u->kept[(size_t)first * (size_t)n + (size_t)second];
        if (known >= 0)
            return known;
    }
    PyObject *answer = PyObject_CallFunction(u->keeps_apart, "ii", one, other);
    int kept = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (kept >= 0 && first >= 0 && second >= 0 && u->kept_size == n)
        u->kept[(size_t)first * (size_t)n + (size_t)second] = (signed char)kept;
    return kept;
}

/* Appends what a $d on two terms asks for, with repetitions; 0 where it can't be kept any more. */
int unifier_keep_apart(Unifier *u, int32_t left, int32_t right, Ints *pending)
{
    Terms *t = u->terms;
    if (terms_leaves(t, left) < 0 || terms_leaves(t, right) < 0)
        return -1;
    for (int32_t i = 0; i < t->num_leaves[left]; i++)
        for (int32_t j = 0; j < t->num_leaves[right]; j++) {
            int32_t one = t->leaves.at[t->leaves_at[left] + i], other = t->leaves.at[t->leaves_at[right] + j];
            if (one == other) {
                int32_t typecode = -1 - t->ops[one];
                if (typecode < 0 || (typecode < 64 && (u->variable_only >> typecode & 1)))
                    return 0;
            } else if (t->ops[one] >= 0 && t->ops[other] >= 0) {
                int kept = keeps_apart(u, one, other);
                if (kept <= 0)
                    return kept;
                continue;
            }
            if (ints_push(pending, one < other ? one : other) < 0 || ints_push(pending, one < other ? other : one) < 0)
                return -1;
        }
    return 1;
}

/* What came of a unification: the goals, fresh metavariables and conditions found, and what the bindings say. */
static PyObject *application(Unifier *u, const Map *bindings, int32_t skeleton)
{
    Terms *t = u->terms;
    u->parts.n = 0;
    for (int32_t i = 0; i < t->num_metas[skeleton]; i++) {
        int32_t meta = t->metas.at[t->metas_at[skeleton] + i];
        if (!map_has(bindings, meta))
            continue;
        int32_t value = resolve(t, bindings, meta);
        if (value < 0 || ints_push(&u->parts, meta) < 0 || ints_push(&u->parts, value) < 0)
            return NULL;
    }
    Application *made = (Application *)ApplicationType.tp_alloc(&ApplicationType, 0);
    if (made == NULL)
        return NULL;
    made->terms = (Terms *)Py_NewRef(t);
    made->num_goals = u->goals.n;
    made->num_bound = u->parts.n / 2;
    made->num_fresh = u->fresh.n;
    made->num_apart = u->found.n / 2;
    const Ints *columns[] = {&u->goals, &u->parts, &u->fresh, &u->found};
    int32_t **places[] = {&made->goals, &made->bound, &made->fresh, &made->apart};
    size_t length = 1; /* one block for all four, never without memory */
    for (int i = 0; i < 4; i++)
        length += (size_t)columns[i]->n;
    int32_t *at = PyMem_Malloc(length * sizeof(int32_t));
    for (int i = 0; at != NULL && i < 4; i++) {
        *places[i] = at;
        if (columns[i]->n)
            memcpy(at, columns[i]->at, (size_t)columns[i]->n * sizeof(int32_t));
        at += columns[i]->n;
    }
    if (at == NULL) {
        Py_DECREF(made);
        return PyErr_NoMemory();
    }
    return (PyObject *)made;
}

/* What applying an assertion does to a goal; None where it does not apply. */
PyObject *unifier_apply(Unifier *u, int32_t skeleton, const Pattern *p)
{
    Terms *t = u->terms;
    int32_t own = t->num_metas[skeleton];
    Map *bindings = map_begin(t, MAP_BINDINGS);
    int any = 0;
    u->values.n = u->fresh.n = u->parts.n = u->found.n = 0;
    for (int32_t i = 0; i < p->num_variables; i++)
        if (ints_push(&u->values, -1) < 0)
            return NULL;
    int32_t part = p->conclusion, term = skeleton;
    for (;;) {
        const PatternNode *node = &p->nodes[part];
        if (node->op < 0) {
            int32_t *value = &u->values.at[-1 - node->op];
            if (*value < 0) {
                *value = term;
            } else if (*value != term) {
                int unified = unify(u, bindings, *value, term);
                if (unified <= 0)
                    goto refused;
                any = 1;
            }
        } else {
            while (map_has(bindings, term))
                term = bindings->values[term];
            if (t->ops[term] == node->op) {
                if (t->num_args[term] != node->num_children) {
                    PyErr_SetString(PyExc_ValueError, "one operator with two numbers of children");
                    return NULL;
                }
                for (int32_t i = 0; i < node->num_children; i++)
                    if (ints_push(&u->parts, p->children.at[node->children_at + i]) < 0 ||
                        ints_push(&u->parts, t->args.at[t->args_at[term] + i]) < 0)
                        return NULL;
            } else if (t->ops[term] < 0) {
                int32_t made = instantiate(u, p, part, own);
                if (made < 0 || bind(u, bindings, term, made) <= 0)
                    goto refused;
                any = 1;
            } else {
                goto refused;
            }
        }
        if (u->parts.n == 0)
            break;
        term = u->parts.at[--u->parts.n];
        part = u->parts.at[--u->parts.n];
    }
    for (Py_ssize_t i = 0; i < p->disjoint.n; i += 2) {
        int32_t left = value_of(u, p, p->disjoint.at[i], own);
        int32_t right = left < 0 ? -1 : value_of(u, p, p->disjoint.at[i + 1], own);
        if (right < 0)
            return NULL;
        if (any && ((left = resolve(t, bindings, left)) < 0 || (right = resolve(t, bindings, right)) < 0))
            return NULL;
        if (unifier_keep_apart(u, left, right, &u->found) <= 0)
            goto refused;
    }
    u->goals.n = 0;
    for (Py_ssize_t i = 0; i < p->hypotheses.n; i++) {
        int32_t goal = instantiate(u, p, p->hypotheses.at[i], own);
        if (goal >= 0 && any)
            goal = resolve(t, bindings, goal);
        if (goal < 0 || terms_canonical(t, goal) < 0 || ints_push(&u->goals, goal) < 0)
            return NULL;
    }
    return application(u, bindings, skeleton);
refused:
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* -- for Python --------------------------------------------------------------------------------------------------- */

static PyObject *Unifier_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"terms", "keeps_apart", "variable_only", NULL};
    PyObject *terms, *keeps_apart_too, *variable_only = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O|O", names, &TermsType, &terms, &keeps_apart_too,
                                     &variable_only))
        return NULL;
    uint64_t typecodes = 0;
    if (variable_only != NULL) {
        PyObject *each = PyObject_GetIter(variable_only), *item;
        if (each == NULL)
            return NULL;
        while ((item = PyIter_Next(each)) != NULL) {
            long typecode = PyLong_AsLong(item);
            Py_DECREF(item);
            if (typecode < 0 || typecode >= 64) {
                if (!PyErr_Occurred())
                    PyErr_Format(PyExc_ValueError, "typecode %ld; the compiled unifier takes those below 64", typecode);
                break;
            }
            typecodes |= (uint64_t)1 << typecode;
        }
        Py_DECREF(each);
        if (PyErr_Occurred())
            return NULL;
    }
    Unifier *u = (Unifier *)type->tp_alloc(type, 0);
    if (u == NULL)
        return NULL;
    u->terms = (Terms *)Py_NewRef(terms);
    u->keeps_apart = Py_NewRef(keeps_apart_too);
    u->variable_only = typecodes;
    return (PyObject *)u;
}

static int Unifier_traverse(Unifier *u, visitproc visit, void *arg)
{
    Py_VISIT(u->keeps_apart);
    return 0;
}

static int Unifier_clear(Unifier *u)
{
    Py_CLEAR(u->keeps_apart);
    return 0;
}

static void Unifier_dealloc(Unifier *u)
{
    PyObject_GC_UnTrack(u);
    Py_CLEAR(u->keeps_apart);
    Py_CLEAR(u->terms);
    Ints *scratch[] = {&u->values, &u->goals, &u->fresh, &u->parts, &u->pairs, &u->occurs, &u->found};
    for (size_t i = 0; i < sizeof(scratch) / sizeof(*scratch); i++)
        ints_free(scratch[i]);
    PyMem_Free(u->kept);
    Py_TYPE(u)->tp_free((PyObject *)u);
}

static PyObject *Unifier_apply(Unifier *u, PyObject *const *args, Py_ssize_t n)
{
    if (n != 2) {
        PyErr_SetString(PyExc_TypeError, "apply(skeleton, pattern) takes two arguments");
        return NULL;
    }
    int32_t skeleton = terms_checked(u->terms, args[0]);
    PyObject *pattern = skeleton < 0 ? NULL : PyObject_GetAttrString(args[1], "compiled");
    if (pattern == NULL)
        return NULL;
    PyObject *applied = NULL;
    if (PyObject_TypeCheck(pattern, &PatternType))
        applied = unifier_apply(u, skeleton, (Pattern *)pattern);
    else
        PyErr_SetString(PyExc_TypeError, "the pattern has no compiled form");
    Py_DECREF(pattern);
    return applied;
}

static PyObject *Unifier_close(Unifier *u, PyObject *args)
{
    PyObject *left, *right;
    if (!PyArg_ParseTuple(args, "OO", &left, &right))
        return NULL;
    int32_t skeleton = terms_checked(u->terms, left), hypothesis = skeleton < 0 ? -1 : terms_checked(u->terms, right);
    if (hypothesis < 0)
        return NULL;
    Map *bindings = map_begin(u->terms, MAP_BINDINGS);
    int unified = unify(u, bindings, skeleton, hypothesis);
    if (unified < 0)
        return NULL;
    if (unified == 0)
        Py_RETURN_NONE;
    u->fresh.n = u->found.n = u->goals.n = 0;
    return application(u, bindings, skeleton);
}

static PyObject *Unifier_unifies(Unifier *u, PyObject *args)
{
    PyObject *left, *right;
    if (!PyArg_ParseTuple(args, "OO", &left, &right))
        return NULL;
    int32_t one = terms_checked(u->terms, left), other = one < 0 ? -1 : terms_checked(u->terms, right);
    if (other < 0)
        return NULL;
    int unified = unify(u, map_begin(u->terms, MAP_BINDINGS), one, other);
    return unified < 0 ? NULL : PyBool_FromLong(unified);
}

static PyObject *Unifier_keep_apart(Unifier *u, PyObject *args)
{
    PyObject *left, *right, *pending;
    if (!PyArg_ParseTuple(args, "OOO!", &left, &right, &PySet_Type, &pending))
        return NULL;
    int32_t one = terms_checked(u->terms, left), other = one < 0 ? -1 : terms_checked(u->terms, right);
    if (other < 0)
        return NULL;
    u->found.n = 0;
    int kept = unifier_keep_apart(u, one, other, &u->found);
    for (Py_ssize_t i = 0; kept >= 0 && i < u->found.n; i += 2) {
        PyObject *pair = Py_BuildValue("(ii)", u->found.at[i], u->found.at[i + 1]);
        if (pair == NULL || PySet_Add(pending, pair) < 0)
            kept = -1;
        Py_XDECREF(pair);
    }
    return kept < 0 ? NULL : PyBool_FromLong(kept);
}

/* The first of some assertions that closes a goal without conditions; None where none does. */
static PyObject *Unifier_first_closing(Unifier *u, PyObject *const *args, Py_ssize_t n)
{
    if (n != 3 || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "first_closing(skeleton, numbers, pattern)");
        return NULL;
    }
    int32_t skeleton = terms_checked(u->terms, args[0]);
    if (skeleton < 0)
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(args[1]); i++) {
        PyObject *number = Py_NewRef(PyList_GET_ITEM(args[1], i)), *pattern = PyObject_CallOneArg(args[2], number);
        PyObject *both[] = {args[0], pattern};
        PyObject *applied = pattern == NULL ? NULL : Unifier_apply(u, both, 2);
        Py_XDECREF(pattern);
        int closes = applied != NULL && applied != Py_None && ((Application *)applied)->num_goals == 0 &&
                     ((Application *)applied)->num_apart == 0;
        Py_XDECREF(applied);
        if (closes)
            return number;
        Py_DECREF(number);
        if (applied == NULL) {
            if (!PyErr_ExceptionMatches(TermTooLargeError))
                return NULL;
            PyErr_Clear();
        }
    }
    Py_RETURN_NONE;
}

static PyMethodDef Unifier_methods[] = {
    {"first_closing", (PyCFunction)(void (*)(void))Unifier_first_closing, METH_FASTCALL, NULL},
    {"apply", (PyCFunction)(void (*)(void))Unifier_apply, METH_FASTCALL, NULL},
    {"close", (PyCFunction)Unifier_close, METH_VARARGS, NULL},
    {"unifies", (PyCFunction)Unifier_unifies, METH_VARARGS, NULL},
    {"keep_apart", (PyCFunction)Unifier_keep_apart, METH_VARARGS, NULL},
    {NULL},
};

PyTypeObject UnifierType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Unifier",
    .tp_basicsize = sizeof(Unifier),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "See proofsearch_metamath.library.unification.Unifier.",
    .tp_new = Unifier_new,
    .tp_dealloc = (destructor)Unifier_dealloc,
    .tp_traverse = (traverseproc)Unifier_traverse,
    .tp_clear = (inquiry)Unifier_clear,
    .tp_methods = Unifier_methods,
};

/* -- applications ------------------------------------------------------------------------------------------------- */

static void Application_dealloc(Application *a)
{
    Py_XDECREF(a->terms);
    PyMem_Free(a->goals); /* the others stand behind them */
    Py_TYPE(a)->tp_free((PyObject *)a);
}

static PyObject *Application_goals(Application *a, void *unused)
{
    (void)unused;
    PyObject *goals = PyTuple_New(a->num_goals);
    for (Py_ssize_t i = 0; goals != NULL && i < a->num_goals; i++) {
        PyObject *goal = terms_goal(a->terms, a->goals[i]);
        if (goal == NULL)
            Py_CLEAR(goals);
        else
            PyTuple_SET_ITEM(goals, i, goal);
    }
    return goals;
}

static PyObject *Application_bound(Application *a, void *unused)
{
    (void)unused;
    PyObject *bound = PyDict_New();
    for (Py_ssize_t i = 0; bound != NULL && i < a->num_bound; i++) {
        PyObject *key = PyLong_FromLong(a->bound[2 * i]), *value = PyLong_FromLong(a->bound[2 * i + 1]);
        if (key == NULL || value == NULL || PyDict_SetItem(bound, key, value) < 0)
            Py_CLEAR(bound);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return bound;
}

static PyObject *Application_fresh(Application *a, void *unused)
{
    (void)unused;
    PyObject *fresh = PyTuple_New(a->num_fresh);
    for (Py_ssize_t i = 0; fresh != NULL && i < a->num_fresh; i++) {
        PyObject *meta = PyLong_FromLong(a->fresh[i]);
        if (meta == NULL)
            Py_CLEAR(fresh);
        else
            PyTuple_SET_ITEM(fresh, i, meta);
    }
    return fresh;
}

static PyObject *Application_apart(Application *a, void *unused)
{
    (void)unused;
    PyObject *apart = PyFrozenSet_New(NULL);
    for (Py_ssize_t i = 0; apart != NULL && i < a->num_apart; i++) {
        PyObject *pair = Py_BuildValue("(ii)", a->apart[2 * i], a->apart[2 * i + 1]);
        if (pair == NULL || PySet_Add(apart, pair) < 0)
            Py_CLEAR(apart);
        Py_XDECREF(pair);
    }
    return apart;
}

static PyGetSetDef Application_getset[] = {
    {"goals", (getter)Application_goals, NULL, NULL, NULL},
    {"bound", (getter)Application_bound, NULL, NULL, NULL},
    {"fresh", (getter)Application_fresh, NULL, NULL, NULL},
    {"apart", (getter)Application_apart, NULL, NULL, NULL},
    {NULL},
};

PyTypeObject ApplicationType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Application",
    .tp_basicsize = sizeof(Application),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "See proofsearch_metamath.library.unification.Application.",
    .tp_dealloc = (destructor)Application_dealloc,
    .tp_getset = Application_getset,
};
