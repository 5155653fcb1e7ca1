/-! Sets as predicates, and functions between types. -/
namespace Sets
variable {α β γ : Type}
def Set (α : Type) : Type := α → Prop
def Mem (x : α) (s : Set α) : Prop := s x
def Subset (s t : Set α) : Prop := ∀ x, Mem x s → Mem x t
def union (s t : Set α) : Set α := fun x => Mem x s ∨ Mem x t
def inter (s t : Set α) : Set α := fun x => Mem x s ∧ Mem x t
def compl (s : Set α) : Set α := fun x => ¬Mem x s
def empty : Set α := fun _ => False
def univ : Set α := fun _ => True
variable {s t v w : Set α}

/-! ### Inclusion -/
theorem subset_refl : Subset s s := by
  intro x hx
  exact hx
theorem subset_trans (h : Subset s t) (k : Subset t v) : Subset s v := by
  intro x hx
  apply k
  apply h
  exact hx
theorem subset_mem (h : Subset s t) {x : α} (hx : Mem x s) : Mem x t := by
  apply h
  exact hx
theorem empty_subset : Subset empty s := by
  intro x hx
  contradiction
theorem subset_univ : Subset s univ := by
  intro x _
  trivial
theorem subset_antisymm (h : Subset s t) (k : Subset t s) : s = t := by
  apply funext
  intro x
  exact propext ⟨h x, k x⟩
theorem ext (h : ∀ x, Mem x s ↔ Mem x t) : s = t := by
  apply funext
  intro x
  exact propext (h x)
theorem not_mem_empty (x : α) : ¬Mem x empty := by
  intro h
  exact h
theorem mem_univ (x : α) : Mem x univ := by
  trivial
theorem subset_empty (h : Subset s empty) : s = empty := by
  apply subset_antisymm
  exact h
  exact empty_subset
theorem univ_subset (h : Subset univ s) : s = univ := by
  apply subset_antisymm
  exact subset_univ
  exact h

/-! ### Unions -/
theorem subset_union_left : Subset s (union s t) := by
  intro x hx
  exact Or.inl hx
theorem subset_union_right : Subset t (union s t) := by
  intro x hx
  exact Or.inr hx
theorem union_subset (h : Subset s v) (k : Subset t v) : Subset (union s t) v := by
  rintro x (hx | hx)
  · exact h x hx
  · exact k x hx
theorem union_comm_subset : Subset (union s t) (union t s) := by
  rintro x (hx | hx)
  · exact Or.inr hx
  · exact Or.inl hx
theorem union_comm : union s t = union t s := by
  apply subset_antisymm
  exact union_comm_subset
  exact union_comm_subset
theorem union_self : union s s = s := by
  apply subset_antisymm
  · rintro x (hx | hx)
    · exact hx
    · exact hx
  · intro x hx
    exact Or.inl hx
theorem union_empty : union s empty = s := by
  apply subset_antisymm
  · rintro x (hx | hx)
    · exact hx
    · contradiction
  · intro x hx
    exact Or.inl hx
theorem union_mono (h : Subset s t) (k : Subset v w) : Subset (union s v) (union t w) := by
  rintro x (hx | hx)
  · exact Or.inl (h x hx)
  · exact Or.inr (k x hx)
theorem union_mono_left (h : Subset s t) : Subset (union s v) (union t v) := by
  rintro x (hx | hx)
  · exact Or.inl (h x hx)
  · exact Or.inr hx

/-! ### Intersections -/
theorem inter_subset_left : Subset (inter s t) s := by
  rintro x ⟨hs, ht⟩
  exact hs
theorem inter_subset_right : Subset (inter s t) t := by
  rintro x ⟨hs, ht⟩
  exact ht
theorem subset_inter (h : Subset v s) (k : Subset v t) : Subset v (inter s t) := by
  intro x hx
  exact ⟨h x hx, k x hx⟩
theorem inter_comm_subset : Subset (inter s t) (inter t s) := by
  rintro x ⟨hs, ht⟩
  exact ⟨ht, hs⟩
theorem inter_comm : inter s t = inter t s := by
  apply subset_antisymm
  exact inter_comm_subset
  exact inter_comm_subset
theorem inter_self : inter s s = s := by
  apply subset_antisymm
  · rintro x ⟨hx, _⟩
    exact hx
  · intro x hx
    exact ⟨hx, hx⟩
theorem inter_mono (h : Subset s t) (k : Subset v w) : Subset (inter s v) (inter t w) := by
  rintro x ⟨hs, hv⟩
  exact ⟨h x hs, k x hv⟩
theorem inter_mono_left (h : Subset s t) : Subset (inter s v) (inter t v) := by
  rintro x ⟨hs, hv⟩
  exact ⟨h x hs, hv⟩
theorem inter_empty : inter s empty = empty := by
  apply subset_antisymm
  · rintro x ⟨_, hx⟩
    contradiction
  · intro x hx
    contradiction
theorem inter_univ : inter s univ = s := by
  apply subset_antisymm
  · rintro x ⟨hx, _⟩
    exact hx
  · intro x hx
    exact ⟨hx, trivial⟩
theorem inter_subset_union : Subset (inter s t) (union s t) := by
  rintro x ⟨hs, ht⟩
  exact Or.inl hs
theorem inter_union_subset : Subset (inter s (union t v)) (union (inter s t) (inter s v)) := by
  rintro x ⟨hs, ht | hv⟩
  · exact Or.inl ⟨hs, ht⟩
  · exact Or.inr ⟨hs, hv⟩

/-! ### Complements -/
theorem mem_compl {x : α} (h : ¬Mem x s) : Mem x (compl s) := by
  exact h
theorem not_mem_of_compl {x : α} (h : Mem x (compl s)) : ¬Mem x s := by
  exact h
theorem compl_anti (h : Subset s t) : Subset (compl t) (compl s) := by
  intro x hx hs
  apply hx
  apply h
  exact hs
theorem inter_compl : Subset (inter s (compl s)) empty := by
  rintro x ⟨hs, hn⟩
  exact hn hs
theorem subset_compl_compl : Subset s (compl (compl s)) := by
  intro x hx hn
  exact hn hx
theorem compl_union_left : Subset (compl (union s t)) (compl s) := by
  intro x hx hs
  apply hx
  exact Or.inl hs
theorem compl_union_right : Subset (compl (union s t)) (compl t) := by
  intro x hx ht
  apply hx
  exact Or.inr ht

/-! ### Functions -/
def Injective (f : α → β) : Prop := ∀ x y, f x = f y → x = y
def Surjective (f : α → β) : Prop := ∀ y, ∃ x, f x = y
def preimage (f : α → β) (s : Set β) : Set α := fun x => Mem (f x) s
def image (f : α → β) (s : Set α) : Set β := fun y => ∃ x, Mem x s ∧ f x = y
theorem injective_id : Injective (fun x : α => x) := by
  intro x y h
  exact h
theorem surjective_id : Surjective (fun x : α => x) := by
  intro y
  exact ⟨y, rfl⟩
theorem injective_comp (f : α → β) (g : β → γ) (hf : Injective f) (hg : Injective g) :
    Injective (fun x => g (f x)) := by
  intro x y h
  apply hf
  apply hg
  exact h
theorem surjective_comp (f : α → β) (g : β → γ) (hf : Surjective f) (hg : Surjective g) :
    Surjective (fun x => g (f x)) := by
  intro z
  rcases hg z with ⟨y, hy⟩
  rcases hf y with ⟨x, hx⟩
  exact ⟨x, (congrArg g hx).trans hy⟩
theorem injective_of_comp (f : α → β) (g : β → γ) (h : Injective (fun x => g (f x))) : Injective f := by
  intro x y e
  apply h
  show g (f x) = g (f y)
  rw [e]
theorem surjective_of_comp (f : α → β) (g : β → γ) (h : Surjective (fun x => g (f x))) : Surjective g := by
  intro z
  rcases h z with ⟨x, hx⟩
  exact ⟨f x, hx⟩
theorem injective_of_left_inverse (f : α → β) (g : β → α) (h : ∀ x, g (f x) = x) : Injective f := by
  intro x y e
  rw [← h x, e, h]
theorem surjective_of_right_inverse (f : α → β) (g : β → α) (h : ∀ y, f (g y) = y) : Surjective f := by
  intro y
  exact ⟨g y, h y⟩
theorem injective_succ : Injective Nat.succ := by
  intro x y h
  injection h
theorem injective_some : Injective (fun x : α => some x) := by
  intro x y h
  injection h
theorem comp_assoc {δ : Type} (f : α → β) (g : β → γ) (h : γ → δ) : (h ∘ g) ∘ f = h ∘ (g ∘ f) := by
  rfl
theorem comp_id (f : α → β) : f ∘ (fun x => x) = f := by
  rfl
theorem id_comp (f : α → β) : (fun x => x) ∘ f = f := by
  rfl
theorem funext_iff (f g : α → β) : f = g ↔ ∀ x, f x = g x := by
  constructor
  · intro h x
    rw [h]
  · intro h
    apply funext
    exact h
theorem preimage_mono (f : α → β) {s t : Set β} (h : Subset s t) : Subset (preimage f s) (preimage f t) := by
  intro x hx
  apply h
  exact hx
theorem preimage_inter (f : α → β) {s t : Set β} : preimage f (inter s t) = inter (preimage f s) (preimage f t) := by
  rfl
theorem preimage_union (f : α → β) {s t : Set β} : preimage f (union s t) = union (preimage f s) (preimage f t) := by
  rfl
theorem preimage_univ (f : α → β) : preimage f univ = univ := by
  rfl
theorem mem_image (f : α → β) {x : α} (h : Mem x s) : Mem (f x) (image f s) := by
  exact ⟨x, h, rfl⟩
theorem image_mono (f : α → β) (h : Subset s t) : Subset (image f s) (image f t) := by
  rintro y ⟨x, hx, e⟩
  exact ⟨x, h x hx, e⟩
theorem image_subset (f : α → β) {v : Set β} (h : Subset s (preimage f v)) : Subset (image f s) v := by
  rintro y ⟨x, hx, e⟩
  subst e
  exact h x hx
theorem subset_preimage_image (f : α → β) : Subset s (preimage f (image f s)) := by
  intro x hx
  exact ⟨x, hx, rfl⟩
theorem image_union_left (f : α → β) : Subset (image f s) (image f (union s t)) := by
  rintro y ⟨x, hx, e⟩
  exact ⟨x, Or.inl hx, e⟩
end Sets
