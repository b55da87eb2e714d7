# frozen_string_literal: true

# The blocks of `rescue_from` and of `etag` are kept in lists of each controller.
module CallbackBlocks
  LISTS = %i[rescue_handlers etaggers].freeze

  def self.repair(controller)
    LISTS.each do |list|
      next unless controller.respond_to?(list) && !Ractor.shareable?(controller.public_send(list))

      shared = controller.public_send(list).map do |one|
        one.is_a?(Array) ? one.map { |part| Repairs.share_proc(part) } : Repairs.share_proc(one)
      end
      controller.public_send("#{list}=", Ractor.make_shareable(shared))
    end
  end
end

Repairs.add "callback_blocks", upstream: "none known" do |repair|
  repair.after do
    [ActionController::Metal, *ActionController::Metal.descendants].each { |one| CallbackBlocks.repair(one) }
  end
end
