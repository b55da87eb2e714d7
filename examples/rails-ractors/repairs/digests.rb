# frozen_string_literal: true

# OpenSSL::Digest::SHA256 and its like are made with define_method, whose blocks belong to the main ractor: no cookie is
# signed or encrypted elsewhere.
Repairs.add "digests", upstream: "openssl #1053" do |repair|
  repair.before do
    OpenSSL::Digest.constants.map { |name| [name, OpenSSL::Digest.const_get(name)] }.each do |name, digest|
      next unless digest.is_a?(Class) && digest < OpenSSL::Digest && name != :Digest

      digest.class_eval(<<~RUBY, __FILE__, __LINE__ + 1)
        def initialize(data = nil) = super("#{name}", data)
        def self.digest(data) = new.digest(data)
        def self.hexdigest(data) = new.hexdigest(data)
      RUBY
    end
  end
end
