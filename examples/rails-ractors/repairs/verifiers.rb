# frozen_string_literal: true

# `Rails.application.message_verifier` makes what it gives when it is first asked for, and the frozen app has no place
# to keep that. Each ractor has its own.
module SharedVerifiers
  def [](salt)
    return super unless frozen?

    codecs = Ractor.current[:rails_codecs] ||= {}.compare_by_identity
    (codecs[self] ||= {})[salt] ||= build_with_rotations(salt)
  end
end

Repairs.add "verifiers", upstream: "none known" do |repair|
  repair.before do
    Rails.application.message_verifiers
    ActiveSupport::Messages::RotationCoordinator.prepend(SharedVerifiers)
  end
end
