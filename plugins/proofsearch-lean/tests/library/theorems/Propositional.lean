/-! Propositional logic, one small step at a time. -/
namespace Propositional
variable {p q r s : Prop}

/-! ### Implication -/
theorem imp_self : p → p := by
  intro h
  exact h
theorem imp_const : p → q → p := by
  intro hp _
  exact hp
theorem imp_flip (f : p → q → r) : q → p → r := by
  intro hq hp
  exact f hp hq
theorem imp_trans (f : p → q) (g : q → r) : p → r := by
  intro hp
  apply g
  apply f
  exact hp
theorem imp_trans4 (f : p → q) (g : q → r) (h : r → s) : p → s := by
  intro hp
  apply h
  apply g
  apply f
  exact hp
theorem imp_dist (f : p → q → r) (g : p → q) : p → r := by
  intro hp
  apply f
  exact hp
  apply g
  exact hp
theorem imp_apply (hp : p) (f : p → q) : q := by
  apply f
  exact hp
theorem imp_contract (f : p → p → q) : p → q := by
  intro hp
  apply f
  exact hp
  exact hp
theorem imp_under (f : q → r) : (p → q) → p → r := by
  intro g hp
  apply f
  apply g
  exact hp

/-! ### Conjunction -/
theorem and_intro (hp : p) (hq : q) : p ∧ q := by
  constructor
  exact hp
  exact hq
theorem and_swap (h : p ∧ q) : q ∧ p := by
  rcases h with ⟨hp, hq⟩
  constructor
  exact hq
  exact hp
theorem and_fst (h : p ∧ q) : p := by
  rcases h with ⟨hp, hq⟩
  exact hp
theorem and_snd (h : p ∧ q) : q := by
  rcases h with ⟨hp, hq⟩
  exact hq
theorem and_imp_left : p ∧ q → p := by
  intro h
  exact h.left
theorem and_imp_right : p ∧ q → q := by
  intro h
  exact h.right
theorem and_assoc_mp (h : (p ∧ q) ∧ r) : p ∧ q ∧ r := by
  rcases h with ⟨⟨hp, hq⟩, hr⟩
  exact ⟨hp, hq, hr⟩
theorem and_assoc_mpr (h : p ∧ q ∧ r) : (p ∧ q) ∧ r := by
  rcases h with ⟨hp, hq, hr⟩
  exact ⟨⟨hp, hq⟩, hr⟩
theorem and_assoc : (p ∧ q) ∧ r ↔ p ∧ q ∧ r := by
  constructor
  · rintro ⟨⟨hp, hq⟩, hr⟩
    exact ⟨hp, hq, hr⟩
  · rintro ⟨hp, hq, hr⟩
    exact ⟨⟨hp, hq⟩, hr⟩
theorem and_rotate (h : p ∧ q ∧ r) : q ∧ r ∧ p := by
  rcases h with ⟨hp, hq, hr⟩
  exact ⟨hq, hr, hp⟩
theorem and_mono (f : p → r) (g : q → s) (h : p ∧ q) : r ∧ s := by
  rcases h with ⟨hp, hq⟩
  constructor
  exact f hp
  exact g hq
theorem and_mono_left (f : p → r) (h : p ∧ q) : r ∧ q := by
  rcases h with ⟨hp, hq⟩
  constructor
  exact f hp
  exact hq
theorem and_mono_right (f : q → r) (h : p ∧ q) : p ∧ r := by
  rcases h with ⟨hp, hq⟩
  constructor
  exact hp
  exact f hq
theorem and_dup (hp : p) : p ∧ p := by
  constructor
  exact hp
  exact hp
theorem and_same (h : p ∧ p) : p := by
  rcases h with ⟨hp, _⟩
  exact hp
theorem and_curry (f : p ∧ q → r) : p → q → r := by
  intro hp hq
  apply f
  exact ⟨hp, hq⟩
theorem and_uncurry (f : p → q → r) : p ∧ q → r := by
  rintro ⟨hp, hq⟩
  exact f hp hq
theorem and_imp_iff : (p ∧ q → r) ↔ (p → q → r) := by
  constructor
  · intro f hp hq
    exact f ⟨hp, hq⟩
  · rintro f ⟨hp, hq⟩
    exact f hp hq
theorem and_of_imp (f : p → q) (hp : p) : p ∧ q := by
  constructor
  exact hp
  exact f hp
theorem and_true_iff : p ∧ True ↔ p := by
  simp
theorem true_and_iff : True ∧ p ↔ p := by
  simp
theorem and_false_iff : p ∧ False ↔ False := by
  simp
theorem and_comm_iff : p ∧ q ↔ q ∧ p := by
  constructor
  · intro h
    exact ⟨h.right, h.left⟩
  · intro h
    exact ⟨h.right, h.left⟩

/-! ### Disjunction -/
theorem or_intro_left (hp : p) : p ∨ q := by
  left
  exact hp
theorem or_intro_right (hq : q) : p ∨ q := by
  right
  exact hq
theorem or_swap (h : p ∨ q) : q ∨ p := by
  rcases h with hp | hq
  · right
    exact hp
  · left
    exact hq
theorem or_elim (f : p → r) (g : q → r) (h : p ∨ q) : r := by
  rcases h with hp | hq
  · exact f hp
  · exact g hq
theorem or_same (h : p ∨ p) : p := by
  rcases h with hp | hp
  · exact hp
  · exact hp
theorem or_mono (f : p → r) (g : q → s) (h : p ∨ q) : r ∨ s := by
  rcases h with hp | hq
  · left
    exact f hp
  · right
    exact g hq
theorem or_mono_left (f : p → r) (h : p ∨ q) : r ∨ q := by
  rcases h with hp | hq
  · left
    exact f hp
  · right
    exact hq
theorem or_mono_right (f : q → r) (h : p ∨ q) : p ∨ r := by
  rcases h with hp | hq
  · left
    exact hp
  · right
    exact f hq
theorem or_assoc_mp (h : (p ∨ q) ∨ r) : p ∨ q ∨ r := by
  rcases h with (hp | hq) | hr
  · exact Or.inl hp
  · exact Or.inr (Or.inl hq)
  · exact Or.inr (Or.inr hr)
theorem or_assoc_mpr (h : p ∨ q ∨ r) : (p ∨ q) ∨ r := by
  rcases h with hp | hq | hr
  · exact Or.inl (Or.inl hp)
  · exact Or.inl (Or.inr hq)
  · exact Or.inr hr
theorem or_rotate (h : p ∨ q ∨ r) : r ∨ p ∨ q := by
  rcases h with hp | hq | hr
  · exact Or.inr (Or.inl hp)
  · exact Or.inr (Or.inr hq)
  · exact Or.inl hr
theorem or_imp (f : p ∨ q → r) : p → r := by
  intro hp
  apply f
  left
  exact hp
theorem or_imp_right (f : p ∨ q → r) : q → r := by
  intro hq
  apply f
  right
  exact hq
theorem or_imp_iff : (p ∨ q → r) ↔ (p → r) ∧ (q → r) := by
  constructor
  · intro f
    exact ⟨fun hp => f (Or.inl hp), fun hq => f (Or.inr hq)⟩
  · rintro ⟨f, g⟩ (hp | hq)
    · exact f hp
    · exact g hq
theorem or_false_iff : p ∨ False ↔ p := by
  simp
theorem or_true_iff : p ∨ True ↔ True := by
  simp
theorem or_resolve_left (h : p ∨ q) (hn : ¬p) : q := by
  rcases h with hp | hq
  · exact absurd hp hn
  · exact hq
theorem or_resolve_right (h : p ∨ q) (hn : ¬q) : p := by
  rcases h with hp | hq
  · exact hp
  · exact absurd hq hn

/-! ### Distribution -/
theorem and_or_mp (h : p ∧ (q ∨ r)) : p ∧ q ∨ p ∧ r := by
  rcases h with ⟨hp, hq | hr⟩
  · left
    exact ⟨hp, hq⟩
  · right
    exact ⟨hp, hr⟩
theorem and_or_mpr (h : p ∧ q ∨ p ∧ r) : p ∧ (q ∨ r) := by
  rcases h with ⟨hp, hq⟩ | ⟨hp, hr⟩
  · exact ⟨hp, Or.inl hq⟩
  · exact ⟨hp, Or.inr hr⟩
theorem or_and_mp (h : p ∨ q ∧ r) : (p ∨ q) ∧ (p ∨ r) := by
  rcases h with hp | ⟨hq, hr⟩
  · exact ⟨Or.inl hp, Or.inl hp⟩
  · exact ⟨Or.inr hq, Or.inr hr⟩
theorem or_and_mpr (h : (p ∨ q) ∧ (p ∨ r)) : p ∨ q ∧ r := by
  rcases h with ⟨hp | hq, hp' | hr⟩
  · exact Or.inl hp
  · exact Or.inl hp
  · exact Or.inl hp'
  · exact Or.inr ⟨hq, hr⟩
theorem or_and_right_mp (h : (p ∨ q) ∧ r) : p ∧ r ∨ q ∧ r := by
  rcases h with ⟨hp | hq, hr⟩
  · left
    exact ⟨hp, hr⟩
  · right
    exact ⟨hq, hr⟩
theorem imp_and_iff : (p → q ∧ r) ↔ (p → q) ∧ (p → r) := by
  constructor
  · intro f
    exact ⟨fun hp => (f hp).left, fun hp => (f hp).right⟩
  · rintro ⟨f, g⟩ hp
    exact ⟨f hp, g hp⟩

/-! ### Negation -/
theorem not_not_intro (hp : p) : ¬¬p := by
  intro hn
  exact hn hp
theorem not_and_self : ¬(p ∧ ¬p) := by
  rintro ⟨hp, hn⟩
  exact hn hp
theorem contrapose (f : p → q) : ¬q → ¬p := by
  intro hn hp
  apply hn
  apply f
  exact hp
theorem not_or_mp (h : ¬(p ∨ q)) : ¬p ∧ ¬q := by
  constructor
  · intro hp
    apply h
    left
    exact hp
  · intro hq
    apply h
    right
    exact hq
theorem not_or_mpr (h : ¬p ∧ ¬q) : ¬(p ∨ q) := by
  rcases h with ⟨hnp, hnq⟩
  rintro (hp | hq)
  · exact hnp hp
  · exact hnq hq
theorem not_and_of_not_left (hn : ¬p) : ¬(p ∧ q) := by
  rintro ⟨hp, _⟩
  exact hn hp
theorem not_and_of_not_right (hn : ¬q) : ¬(p ∧ q) := by
  rintro ⟨_, hq⟩
  exact hn hq
theorem not_and_of_or (h : ¬p ∨ ¬q) : ¬(p ∧ q) := by
  rintro ⟨hp, hq⟩
  rcases h with hnp | hnq
  · exact hnp hp
  · exact hnq hq
theorem not_not_not (h : ¬¬¬p) : ¬p := by
  intro hp
  apply h
  intro hn
  exact hn hp
theorem false_elim (h : False) : p := by
  contradiction
theorem absurd_elim (hp : p) (hn : ¬p) : q := by
  contradiction
theorem imp_of_not (hn : ¬p) : p → q := by
  intro hp
  exact absurd hp hn
theorem not_imp_self (h : p → ¬p) : ¬p := by
  intro hp
  exact h hp hp
theorem not_true_iff : ¬True ↔ False := by
  simp
theorem not_false_iff : ¬False ↔ True := by
  simp
theorem not_iff_self : ¬(p ↔ ¬p) := by
  intro h
  have hn : ¬p := fun hp => h.mp hp hp
  exact hn (h.mpr hn)

/-! ### Equivalence -/
theorem iff_refl : p ↔ p := by
  rfl
theorem iff_symm (h : p ↔ q) : q ↔ p := by
  constructor
  exact h.mpr
  exact h.mp
theorem iff_trans (h : p ↔ q) (k : q ↔ r) : p ↔ r := by
  rw [h]
  exact k
theorem iff_of_imp (f : p → q) (g : q → p) : p ↔ q := by
  constructor
  exact f
  exact g
theorem iff_mp (h : p ↔ q) (hp : p) : q := by
  apply h.mp
  exact hp
theorem iff_mpr (h : p ↔ q) (hq : q) : p := by
  apply h.mpr
  exact hq
theorem iff_and (h : p ↔ q) : p ∧ r ↔ q ∧ r := by
  rw [h]
theorem iff_or (h : p ↔ q) : p ∨ r ↔ q ∨ r := by
  rw [h]
theorem iff_imp (h : p ↔ q) : (p → r) ↔ (q → r) := by
  rw [h]
theorem iff_not (h : p ↔ q) : ¬p ↔ ¬q := by
  rw [h]
theorem iff_true_intro (hp : p) : p ↔ True := by
  constructor
  · intro _
    trivial
  · intro _
    exact hp
theorem iff_false_intro (hn : ¬p) : p ↔ False := by
  constructor
  · intro hp
    exact hn hp
  · intro h
    contradiction
theorem iff_self_and (f : p → q) : p ↔ p ∧ q := by
  constructor
  · intro hp
    exact ⟨hp, f hp⟩
  · intro h
    exact h.left
theorem iff_and_self_left : p ↔ p ∧ p := by
  simp
theorem iff_or_self : p ∨ p ↔ p := by
  simp
end Propositional
