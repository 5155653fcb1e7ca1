/-! Quantifiers over an arbitrary type. -/
namespace Quantifiers
universe u
variable {α : Type u} {p q : α → Prop} {r : Prop}

theorem forall_elim (h : ∀ x, p x) (a : α) : p a := by
  exact h a
theorem forall_mono (f : ∀ x, p x → q x) (h : ∀ x, p x) : ∀ x, q x := by
  intro x
  apply f
  exact h x
theorem forall_and_mp (h : ∀ x, p x ∧ q x) : (∀ x, p x) ∧ ∀ x, q x := by
  constructor
  · intro x
    exact (h x).left
  · intro x
    exact (h x).right
theorem forall_and_mpr (h : (∀ x, p x) ∧ ∀ x, q x) : ∀ x, p x ∧ q x := by
  rcases h with ⟨hp, hq⟩
  intro x
  exact ⟨hp x, hq x⟩
theorem forall_or (h : (∀ x, p x) ∨ ∀ x, q x) : ∀ x, p x ∨ q x := by
  rcases h with hp | hq
  · intro x
    left
    exact hp x
  · intro x
    right
    exact hq x
theorem forall_imp_const (h : ∀ x, r → p x) : r → ∀ x, p x := by
  intro hr x
  exact h x hr
theorem forall_const_imp (h : r → ∀ x, p x) : ∀ x, r → p x := by
  intro x hr
  exact h hr x
theorem forall_swap {β : Type u} {s : α → β → Prop} (h : ∀ x y, s x y) : ∀ y x, s x y := by
  intro y x
  exact h x y
theorem exists_intro (a : α) (h : p a) : ∃ x, p x := by
  exact ⟨a, h⟩
theorem exists_elim (h : ∃ x, p x) (f : ∀ x, p x → r) : r := by
  rcases h with ⟨x, hx⟩
  exact f x hx
theorem exists_mono (f : ∀ x, p x → q x) (h : ∃ x, p x) : ∃ x, q x := by
  rcases h with ⟨x, hx⟩
  exact ⟨x, f x hx⟩
theorem exists_and_left (h : ∃ x, p x ∧ q x) : ∃ x, p x := by
  rcases h with ⟨x, hp, hq⟩
  exact ⟨x, hp⟩
theorem exists_and_right (h : ∃ x, p x ∧ q x) : ∃ x, q x := by
  rcases h with ⟨x, hp, hq⟩
  exact ⟨x, hq⟩
theorem exists_and_swap (h : ∃ x, p x ∧ q x) : ∃ x, q x ∧ p x := by
  rcases h with ⟨x, hp, hq⟩
  exact ⟨x, hq, hp⟩
theorem exists_or_mp (h : ∃ x, p x ∨ q x) : (∃ x, p x) ∨ ∃ x, q x := by
  rcases h with ⟨x, hp | hq⟩
  · left
    exact ⟨x, hp⟩
  · right
    exact ⟨x, hq⟩
theorem exists_or_mpr (h : (∃ x, p x) ∨ ∃ x, q x) : ∃ x, p x ∨ q x := by
  rcases h with ⟨x, hp⟩ | ⟨x, hq⟩
  · exact ⟨x, Or.inl hp⟩
  · exact ⟨x, Or.inr hq⟩
theorem exists_const_and (h : ∃ x, r ∧ p x) : r ∧ ∃ x, p x := by
  rcases h with ⟨x, hr, hx⟩
  exact ⟨hr, x, hx⟩
theorem const_and_exists (h : r ∧ ∃ x, p x) : ∃ x, r ∧ p x := by
  rcases h with ⟨hr, x, hx⟩
  exact ⟨x, hr, hx⟩
theorem exists_of_forall (a : α) (h : ∀ x, p x) : ∃ x, p x := by
  exact ⟨a, h a⟩
theorem exists_swap {β : Type u} {s : α → β → Prop} (h : ∃ x y, s x y) : ∃ y x, s x y := by
  rcases h with ⟨x, y, hs⟩
  exact ⟨y, x, hs⟩
theorem exists_forall_swap {β : Type u} {s : α → β → Prop} (h : ∃ x, ∀ y, s x y) : ∀ y, ∃ x, s x y := by
  rcases h with ⟨x, hx⟩
  intro y
  exact ⟨x, hx y⟩
theorem exists_imp (h : (∃ x, p x) → r) : ∀ x, p x → r := by
  intro x hx
  apply h
  exact ⟨x, hx⟩
theorem imp_exists (h : ∀ x, p x → r) : (∃ x, p x) → r := by
  rintro ⟨x, hx⟩
  exact h x hx
theorem not_exists_mp (h : ¬∃ x, p x) : ∀ x, ¬p x := by
  intro x hx
  apply h
  exact ⟨x, hx⟩
theorem not_exists_mpr (h : ∀ x, ¬p x) : ¬∃ x, p x := by
  rintro ⟨x, hx⟩
  exact h x hx
theorem not_forall_of_exists_not (h : ∃ x, ¬p x) : ¬∀ x, p x := by
  rcases h with ⟨x, hx⟩
  intro hp
  exact hx (hp x)
theorem exists_eq (a : α) : ∃ x, x = a := by
  exact ⟨a, rfl⟩
theorem exists_eq_and (a : α) (h : p a) : ∃ x, x = a ∧ p x := by
  exact ⟨a, rfl, h⟩
theorem exists_eq_elim (a : α) (h : ∃ x, x = a ∧ p x) : p a := by
  rcases h with ⟨x, hx, hp⟩
  subst hx
  exact hp
theorem forall_eq (a : α) (h : ∀ x, x = a → p x) : p a := by
  apply h
  rfl
theorem forall_eq_mpr (a : α) (h : p a) : ∀ x, x = a → p x := by
  intro x hx
  subst hx
  exact h
theorem forall_iff (h : ∀ x, p x ↔ q x) : (∀ x, p x) ↔ ∀ x, q x := by
  constructor
  · intro hp x
    exact (h x).mp (hp x)
  · intro hq x
    exact (h x).mpr (hq x)
theorem exists_iff (h : ∀ x, p x ↔ q x) : (∃ x, p x) ↔ ∃ x, q x := by
  constructor
  · rintro ⟨x, hx⟩
    exact ⟨x, (h x).mp hx⟩
  · rintro ⟨x, hx⟩
    exact ⟨x, (h x).mpr hx⟩

/-! ### Equality -/
theorem eq_symm {a b : α} (h : a = b) : b = a := by
  rw [h]
theorem eq_trans {a b c : α} (h : a = b) (k : b = c) : a = c := by
  rw [h, k]
theorem eq_trans_symm {a b c : α} (h : a = b) (k : c = b) : a = c := by
  rw [h, k]
theorem eq_subst {a b : α} (h : a = b) (hp : p a) : p b := by
  subst h
  exact hp
theorem eq_subst_symm {a b : α} (h : a = b) (hp : p b) : p a := by
  rw [h]
  exact hp
theorem eq_congr {β : Type u} (f : α → β) {a b : α} (h : a = b) : f a = f b := by
  rw [h]
theorem eq_congr2 {β : Type u} (f : α → α → β) {a b c d : α} (h : a = b) (k : c = d) : f a c = f b d := by
  rw [h, k]
theorem ne_symm {a b : α} (h : a ≠ b) : b ≠ a := by
  intro e
  apply h
  rw [e]
theorem ne_of_prop {a b : α} (ha : p a) (hb : ¬p b) : a ≠ b := by
  intro e
  apply hb
  rw [← e]
  exact ha
end Quantifiers

/-! ### Classical logic -/
namespace Classical
variable {p q r : Prop}
theorem not_not_elim (h : ¬¬p) : p := by
  apply byContradiction
  exact h
theorem not_and_mp (h : ¬(p ∧ q)) : ¬p ∨ ¬q := by
  rcases em p with hp | hn
  · right
    intro hq
    exact h ⟨hp, hq⟩
  · left
    exact hn
theorem imp_or (f : p → q) : ¬p ∨ q := by
  rcases em p with hp | hn
  · right
    exact f hp
  · left
    exact hn
theorem contrapose_mpr (f : ¬q → ¬p) : p → q := by
  intro hp
  apply byContradiction
  intro hn
  exact f hn hp
theorem not_imp_mp (h : ¬(p → q)) : p ∧ ¬q := by
  constructor
  · apply byContradiction
    intro hn
    apply h
    intro hp
    exact absurd hp hn
  · intro hq
    apply h
    intro _
    exact hq
theorem peirce (h : (p → q) → p) : p := by
  apply byContradiction
  intro hn
  apply hn
  apply h
  intro hp
  exact absurd hp hn
theorem or_not_self : p ∨ ¬p := by
  exact em p
theorem imp_total : (p → q) ∨ (q → p) := by
  rcases em q with hq | hn
  · left
    intro _
    exact hq
  · right
    intro hq
    exact absurd hq hn
theorem by_cases_elim (f : p → q) (g : ¬p → q) : q := by
  rcases em p with hp | hn
  · exact f hp
  · exact g hn
theorem iff_not_not : p ↔ ¬¬p := by
  constructor
  · intro hp hn
    exact hn hp
  · exact byContradiction
theorem not_forall_mp {α : Type} {s : α → Prop} (h : ¬∀ x, s x) : ∃ x, ¬s x := by
  apply byContradiction
  intro k
  apply h
  intro x
  apply byContradiction
  intro hx
  exact k ⟨x, hx⟩
end Classical
