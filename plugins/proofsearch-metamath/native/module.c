/* The module proofsearch_metamath._native. */
#include "native.h"

PyObject *TermTooLargeError;

enum { STRETCH = 64 };

/* What is common to bit sets, in a stretch of them. Most stretches are empty after a few sets. */
static int stretch(unsigned char *into, const unsigned char **sets, Py_ssize_t count, Py_ssize_t begin, Py_ssize_t length)
{
    uint64_t words[STRETCH / 8] = {0}, word, any = 1;
    memcpy(words, sets[0] + begin, (size_t)length);
    for (Py_ssize_t i = 1; i < count && any; i++) {
        any = 0;
        for (Py_ssize_t j = 0; j < length; j += 8) {
            word = 0;
            memcpy(&word, sets[i] + begin + j, length - j < 8 ? (size_t)(length - j) : 8);
            any |= words[j / 8] &= word;
        }
    }
    memcpy(into, words, STRETCH);
    return any != 0;
}

/* The places of the ones that bit sets have in common, ascending, as the bytes of 64-bit numbers: see
 * Library.matching. A set is bytes, the lowest bits first. */
static PyObject *common(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    enum { MOST = 1024 };
    const unsigned char *sets[MOST + 1];
    if (n != 2 || !PyBytes_Check(args[0]) || !PyList_Check(args[1]) || PyList_GET_SIZE(args[1]) > MOST) {
        PyErr_SetString(PyExc_TypeError, "common(within, sets): bytes and a list of bytes");
        return NULL;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(args[0]), count = PyList_GET_SIZE(args[1]) + 1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *set = i == 0 ? args[0] : PyList_GET_ITEM(args[1], i - 1);
        if (!PyBytes_Check(set) || PyBytes_GET_SIZE(set) != size) {
            PyErr_SetString(PyExc_ValueError, "sets are bytes of one size");
            return NULL;
        }
        sets[i] = (const unsigned char *)PyBytes_AS_STRING(set);
    }
    Py_ssize_t found = 0, cap = 256;
    PyObject *places = PyBytes_FromStringAndSize(NULL, cap * (Py_ssize_t)sizeof(int64_t));
    for (Py_ssize_t begin = 0; places != NULL && begin < size; begin += STRETCH) {
        unsigned char ones[STRETCH];
        if (!stretch(ones, sets, count, begin, size - begin < STRETCH ? size - begin : STRETCH))
            continue;
        if (found + 8 * STRETCH > cap) {
            cap = 2 * cap + 8 * STRETCH;
            if (_PyBytes_Resize(&places, cap * (Py_ssize_t)sizeof(int64_t)) < 0)
                break;
        }
        int64_t *next = (int64_t *)PyBytes_AS_STRING(places) + found;
        for (Py_ssize_t j = 0; j < STRETCH; j++)
            for (unsigned byte = ones[j], bit = 0; byte; byte >>= 1, bit++)
                if (byte & 1) {
                    *next++ = (int64_t)(begin + j) * 8 + bit;
                    found++;
                }
    }
    if (places != NULL)
        _PyBytes_Resize(&places, found * (Py_ssize_t)sizeof(int64_t));
    return places;
}

static PyMethodDef functions[] = {
    {"common", (PyCFunction)(void (*)(void))common, METH_FASTCALL, NULL},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "proofsearch_metamath._native",
    .m_doc = "Terms, unification and steps, compiled; the Python modules say what they mean.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__native(void)
{
    PyTypeObject *types[] = {&TermsType, &PatternType, &UnifierType, &CombinerType, &ApplicationType,
                             &ColumnType, &HandleType, &StepperType, &OutcomesType, &FeaturesType, &TowersType};
    const char *names[] = {"Terms", "Pattern", "Unifier", "Combiner", "Application", "Column", "Handle", "Stepper", "Outcomes", "Features", "Towers"};
    PyObject *plain = PyImport_ImportModule("proofsearch_metamath.library.terms");
    if (plain == NULL)
        return NULL;
    TermTooLargeError = PyObject_GetAttrString(plain, "TermTooLargeError");
    Py_DECREF(plain);
    if (TermTooLargeError == NULL)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    for (size_t i = 0; module != NULL && i < sizeof(types) / sizeof(*types); i++)
        if (PyType_Ready(types[i]) < 0 || PyModule_AddObjectRef(module, names[i], (PyObject *)types[i]) < 0)
            Py_CLEAR(module);
    return module;
}
